"""HTTP: rules, deliveries, and their tests."""
