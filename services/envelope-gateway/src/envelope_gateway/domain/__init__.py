"""The rules of ingestion: parsing, authentication, limits, routing. No I/O and no clock."""
