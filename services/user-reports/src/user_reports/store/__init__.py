"""PostgreSQL: tables, queries, and the transactions that save, index and link."""
