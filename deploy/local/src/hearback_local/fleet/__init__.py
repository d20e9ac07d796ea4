"""Access to a running fleet: its published state, health, queues and API."""
