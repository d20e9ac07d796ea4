"""The tables of the `feedback` database and every statement on them."""
