"""A file tree: what an entry is, how a tree is scanned, how one is written back safely. Knows no spec and no store."""
