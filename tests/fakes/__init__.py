"""Stand-ins for the world and ready-made values; nothing here is a mock of our own functions."""
