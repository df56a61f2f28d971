"""Stores: where spans are kept and read back. `location.open_store` opens one; SQLite is the one that always works."""
