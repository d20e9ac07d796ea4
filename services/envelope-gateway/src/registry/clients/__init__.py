"""What the registry calls outside the fleet."""
