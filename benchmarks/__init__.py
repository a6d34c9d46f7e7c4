"""Compares this program with the tools that people would use instead: ``python -m benchmarks``."""
