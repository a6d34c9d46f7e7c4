"""How people are told: one file per kind of receiver, a web client that trusts nobody, and the courier that delivers beside the loop.

Who is told what is decided elsewhere (decide/notices.py). A receiver says once whether it took a message; the courier tries again.
"""
