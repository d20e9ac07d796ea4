"""Use cases: one transaction each, without SQL and without HTTP."""
