"""PostgreSQL: tables and one module per aggregate."""
