"""Kit and contracts together: published configuration, access checks, messages, recorded fates."""
