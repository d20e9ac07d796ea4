"""Use cases of crash-embed."""
