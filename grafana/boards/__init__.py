"""The dashboards as Python, one module each; `python grafana/build.py` writes the JSON that Grafana reads."""
