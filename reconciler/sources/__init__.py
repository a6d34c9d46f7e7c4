"""How each kind of source is looked at and read. So far: files."""
