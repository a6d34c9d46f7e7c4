"""The published Board over HTTP: /metrics for Prometheus, /healthz and /readyz for whoever restarts or routes, a page for people.

server.py is the door; pages.py says what is answered, api.py and page.py (from view.py) answer it; guards.py says who is answered at all;
engine.py runs uvicorn in a thread of its own. Read only: nothing that arrives here changes anything.
"""
