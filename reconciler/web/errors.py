"""Why nothing listens."""

from __future__ import annotations

from reconciler.base.errors import ReconcilerError


class WebError(ReconcilerError):
    """The metrics and health endpoints cannot be served."""

    code = "web-unavailable"


class WebAddressInUse(WebError):
    """Another process listens on the address that the specs name for metrics and health."""

    code = "web-address-in-use"
    hint = "Does another loop run on this host? Otherwise give this one its own port: `listen` or `metricsListen` in Settings."
    retry = True


class WebAddressUnusable(WebError):
    """The address that the specs name for metrics and health is not one this host can listen on."""

    code = "web-address-unusable"
    hint = "Is it an address of this host, and is the port above 1023? See `listen` and `metricsListen` in Settings."
