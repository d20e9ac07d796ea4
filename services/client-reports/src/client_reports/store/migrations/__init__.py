"""Migrations of the client_reports database."""
