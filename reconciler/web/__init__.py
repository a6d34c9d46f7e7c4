"""The published Status over HTTP: /metrics for Prometheus, /healthz and /readyz for whoever restarts or routes.

server.py is the door; pages.py says what is answered; engine.py runs uvicorn in a thread of its own. Read only: nothing that
arrives here changes anything.
"""
