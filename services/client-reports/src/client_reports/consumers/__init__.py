"""Handlers of the streams that client-reports reads."""
