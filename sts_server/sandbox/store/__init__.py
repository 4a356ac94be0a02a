"""Objects on disk: an SQLite index and one file per object, written whole or not at all."""
