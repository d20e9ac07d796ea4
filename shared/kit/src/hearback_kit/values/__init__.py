"""Plain values read from and written to the wire: pure functions that domain layers may import.

Whatever reads input is total: `parse_...` functions return None for what they do not understand.
"""
