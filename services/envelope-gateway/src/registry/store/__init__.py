"""The registry's tables and the only SQL over them."""
