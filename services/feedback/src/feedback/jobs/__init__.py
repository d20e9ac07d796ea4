"""What runs periodically or by hand, one module per job."""
