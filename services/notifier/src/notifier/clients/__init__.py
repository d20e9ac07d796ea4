"""What the notifier calls: mail servers and webhooks."""
