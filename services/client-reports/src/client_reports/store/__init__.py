"""What client-reports keeps in PostgreSQL."""
