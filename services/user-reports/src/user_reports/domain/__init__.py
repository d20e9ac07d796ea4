"""The rules of reports, events and groups: no I/O, no clock."""
