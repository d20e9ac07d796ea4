"""Routes of client-reports."""
