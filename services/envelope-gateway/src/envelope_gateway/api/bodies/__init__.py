"""Request bodies: reading, decoding, and what they may hold of memory and disk."""
