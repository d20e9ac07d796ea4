"""What the services agree on: events, reasons, categories and names. Pure data, no I/O."""
