"""Services that the library apprise speaks to: Slack, Matrix, ntfy, PagerDuty and a hundred others."""

from __future__ import annotations

import logging
import socket
from importlib import import_module
from typing import Any

from msgspec import Struct

from reconciler.model.alerts import Notice, NoticeKind
from reconciler.notify import text
from reconciler.notify.errors import NotifyError, ReceiverUnfit
from reconciler.notify.web import check_address

BODY_CHARACTERS_MAX = 8000
"""Services that take less get it in pieces (`overflow=split`), at most a handful."""
_OWN = frozenset({"json", "jsons", "xml", "xmls", "form", "forms", "apprise", "apprises", "discord", "mailto", "mailtos"})
"""What has a receiver of its own here, with stricter rules about where it leads."""
_INSTALL = "Install the extra: `pip install 'reconciler[apprise]'`."


class Service(Struct, frozen=True):
    """One address of apprise."""

    name: str
    url: str
    timeout_seconds: float

    def send(self, notice: Notice) -> None:
        """The library says only whether it worked."""
        service = self.made()
        good = notice.kind in {NoticeKind.RECOVERED, NoticeKind.DIGEST, NoticeKind.TEST}
        words = text.body(notice, characters_max=BODY_CHARACTERS_MAX) or text.title(notice)
        kind = "info" if good else "failure" if notice.severity.rank < 2 else "warning"
        if not service.notify(title=text.title(notice), body=words, notify_type=kind):
            raise NotifyError(f"{self.name} did not take the message")

    def made(self) -> Any:
        """As the library makes it. Raises ReceiverUnfit, or AddressForbidden."""
        try:
            apprise: Any = import_module("apprise")
        except ImportError as error:
            raise ReceiverUnfit(f"{self.name} needs the library apprise, which is not installed", hint=_INSTALL) from error
        scheme = self.url.partition("://")[0].lower()
        if scheme in _OWN:
            raise ReceiverUnfit(
                f"{self.name} is a '{scheme}' address", hint="Declare it as a receiver of its own kind: discord, email, webhook."
            )
        quiet = logging.getLogger("apprise")  # it logs addresses, and these are secrets
        quiet.propagate, quiet.handlers = False, [logging.NullHandler()]
        asset = apprise.AppriseAsset(http_redirects=False, plugin_paths=[], secure_logging=True)
        service = apprise.Apprise.instantiate(self.url, asset=asset, suppress_exceptions=True)
        if service is None:
            raise ReceiverUnfit(f"the address of {self.name} is not one that apprise understands")
        service.socket_connect_timeout = service.socket_read_timeout = self.timeout_seconds
        service.overflow_mode = "split"
        if getattr(service, "host", None):
            self._check(str(service.host).strip("[]"))
        return service

    def _check(self, host: str) -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError:
            return  # a name that no resolver knows is a word of that service, not a host
        for *_, place in found:
            check_address(str(place[0]))
