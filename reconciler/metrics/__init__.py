"""Metrics: names.py holds the one table of them, collect.py projects a published Status onto it.

Nothing is counted here: every value is read from the Status at the moment of the scrape, so a restart loses none and what is
no longer declared is gone with the next scrape.
"""
