"""What every endpoint shares: ids, errors, pages, parsing, threads, logs, health, the schema."""
