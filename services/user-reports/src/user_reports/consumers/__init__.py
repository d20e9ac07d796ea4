"""What this service does with the messages it reads."""
