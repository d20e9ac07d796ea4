"""What this service calls outside the fleet."""
