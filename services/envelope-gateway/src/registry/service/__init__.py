"""Use cases of the registry: each is one transaction, without SQL and without HTTP."""
