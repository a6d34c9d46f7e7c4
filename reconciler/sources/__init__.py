"""How each kind of source is looked at, held still and read: files, SQLite databases, the output of commands."""
