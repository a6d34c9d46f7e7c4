"""The head of the house: what is to be done and why. Pure: values and ``now`` in, values with reasons out.

No clock, no file, no environment, no log, no random number. ``plan`` decides, ``conditions`` and ``status`` say how things stand,
``choose`` picks what a restore takes, ``blast`` tells what an edit changes, ``guard`` what is held and which retention counts as accepted.
Each is imported from its own module: who only plans does not load the others.
"""
