"""Use cases of client-reports: each is one transaction."""
