"""A running fleet as seen from outside: its published state, its health, its queues and its API."""
