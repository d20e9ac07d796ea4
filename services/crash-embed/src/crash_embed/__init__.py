"""Serves the crash-report dialog and takes its form.

Owns nothing but the dialog: a valid form becomes a `user-report.submitted` message, and the answer is
200 only when that message is durable. It never reads a database and never waits for another service.
"""
