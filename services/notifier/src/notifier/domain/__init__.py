"""Rules and texts, without input, output or clock."""
