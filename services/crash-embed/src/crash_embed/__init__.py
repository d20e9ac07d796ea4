"""Serves the crash-report modal and takes its form."""
