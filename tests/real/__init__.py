"""Against real counterparts; conftest.py starts them."""
