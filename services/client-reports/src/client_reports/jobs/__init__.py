"""What client-reports does periodically."""
