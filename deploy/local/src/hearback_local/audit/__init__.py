"""What is pinned, held against known vulnerabilities, offline: `make audit`.

Owns the reading of locks, advisories and exceptions; never installs, downloads or changes a lock.
"""
