"""Quotas: what of an envelope counts together (`groups`), and which quotas apply to it (`matching`)."""
