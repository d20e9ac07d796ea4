"""What a feedback is and which rules it meets: no I/O and no clock."""
