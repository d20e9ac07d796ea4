"""The registry's rules: no I/O and no clock."""
