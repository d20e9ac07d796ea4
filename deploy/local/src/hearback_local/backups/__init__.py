"""Back up and restore a fleet with embedded stores."""
