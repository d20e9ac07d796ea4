"""Checks pinned packages for known vulnerabilities, offline: `make audit`.

It reads locks, advisories and exceptions, and never installs or downloads anything.
"""
