"""Discord, by the webhook of a channel (https://discord.com/developers/docs/resources/webhook#execute-webhook).

The text is data: nobody is mentioned by it, and no mark-up of it counts.
"""

from __future__ import annotations

import json
import re
from typing import Any

from msgspec import Struct

from reconciler.model.alerts import AlertSeverity, Notice, NoticeKind
from reconciler.notify import text
from reconciler.notify.errors import NoticeRefused
from reconciler.notify.web import Answer, Client

EMBED_CHARACTERS_MAX = 3800
"""Of the 4,096 of a description; escaping is done before counting. Title and all together stay below 6,000."""
TITLE_CHARACTERS_MAX = 250
_COLOURS = {
    AlertSeverity.CRITICAL: 0xB00020,
    AlertSeverity.HIGH: 0xE65100,
    AlertSeverity.MEDIUM: 0xF9A825,
    AlertSeverity.LOW: 0x5C6BC0,
}
_GOOD = 0x2E7D32
_MARKUP = re.compile(r"([\\*_~`|\[\]<]|^(?:[#>-]|\d+\.))", re.MULTILINE)


class Discord(Struct, frozen=True):
    """One webhook."""

    name: str
    url: str
    client: Client

    def send(self, notice: Notice) -> None:
        """Waits for the message to be made: only then Discord says what it does not like."""
        url = f"{self.url}{'&' if '?' in self.url else '?'}wait=true"
        content = json.dumps(payload(notice)).encode()
        _understood(self.client.post(url, content, headers={"Content-Type": "application/json"}, name=self.name), self.name)


def payload(notice: Notice) -> dict[str, Any]:
    """The message. ``allowed_mentions`` with nothing in it: no `@everyone` and no `<@id>` rings anybody."""
    good = notice.kind in {NoticeKind.RECOVERED, NoticeKind.DIGEST, NoticeKind.TEST}
    embed = {
        "title": _cut(literal(text.title(notice)), TITLE_CHARACTERS_MAX),
        "description": _cut(literal(text.body(notice, characters_max=EMBED_CHARACTERS_MAX // 2)), EMBED_CHARACTERS_MAX),
        "color": _GOOD if good else _COLOURS[notice.severity],
        "timestamp": notice.at.isoformat(),
        "footer": {"text": "reconciler"},
    }
    return {"username": "reconciler", "embeds": [embed], "allowed_mentions": {"parse": []}}


def literal(words: str) -> str:
    """Without mark-up, and without a word that looks like a mention or a link: an invisible space stands in each of them."""
    return _MARKUP.sub(r"\\\1", words).replace("@", "@\u200b").replace("://", ":\u200b//")


def _cut(words: str, characters_max: int) -> str:
    """Counted as JavaScript does, where a character beyond the first 65,536 is two."""
    room = characters_max - 1
    for position, sign in enumerate(words):
        room -= 2 if sign > "\uffff" else 1
        if room < 0:
            return words[:position].rstrip("\\") + "…"
    return words


def _understood(answer: Answer, name: str) -> None:
    """204, or the message that was made. A 200 that says something else is an error in disguise."""
    said = answer.json()
    if answer.status != 204 and not (isinstance(said, dict) and "id" in said):
        told = said.get("message") if isinstance(said, dict) else None
        reason = f": {text.one_line(str(told), 200)}" if told else ""
        raise NoticeRefused(f"{name} answers {answer.status} and shows no message{reason}")
