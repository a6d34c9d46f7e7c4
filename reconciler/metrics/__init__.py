"""Metrics: names holds the one table of them, collect.py projects a published Status onto it, exposition.py writes that down.

Nothing is counted here: every value is read from the Status that is published at the moment of the scrape, so a restart loses none and
what is no longer declared is gone with the next scrape.
"""
