"""Questions about snapshots: what one holds, what differs between two, where a file was when, and one file's bytes. Nothing is changed."""
