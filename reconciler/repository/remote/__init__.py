"""Places that are reached over a network. Each speaks the protocol of ``store.py``; nothing above this room knows which one it is."""
