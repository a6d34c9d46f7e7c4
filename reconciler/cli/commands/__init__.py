"""The commands, one file per family: each parses its words, calls one verb of app/, prints, and returns an exit code.

A module here is imported for `--help`, too: what a command needs it imports itself.
"""
