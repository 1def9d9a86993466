"""Django's backend for PostgreSQL, whose pool looks at a connection instead of asking it."""
