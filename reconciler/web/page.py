"""The status page: one screen of HTML, made here, that works without scripts and fetches nothing.

Everything shown comes from files, repositories and people: the template escapes it, and control characters become visible. The policy
in the header lets the page use its own style sheet, known by its digest, and nothing else.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from reconciler.base import words
from reconciler.base.clock import Clock
from reconciler.base.printable import escape
from reconciler.base.units import format_size
from reconciler.model import standing, wording
from reconciler.model.board import Board
from reconciler.model.pulse import Pulse
from reconciler.web.answers import HEADERS
from reconciler.web.view import view

if TYPE_CHECKING:
    from jinja2 import Template

REFRESH_SECONDS: Final = (30, 300)
"""What `/?refresh=` may be: a page on a wall. Without it nothing moves while somebody reads."""


def handler(published: Callable[[], Board | None], pulse: Callable[[], Pulse], clock: Clock) -> Callable[[Request], Response]:
    """Answers `/`."""

    def show(request: Request) -> Response:
        refresh = request.query_params.get("refresh", "")
        every = next((seconds for seconds in REFRESH_SECONDS if str(seconds) == refresh), None)
        shown = view(published(), pulse(), clock.now(), all_systems=request.query_params.get("systems") == "all")
        html = _template().render(view=shown, refresh=every, intervals=REFRESH_SECONDS, style=_style())
        return HTMLResponse(html, headers={**HEADERS, **_policy()})

    return show


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, finalize=_visible, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "age": words.age,
        "ago": words.ago,
        "until": words.until,
        "span": words.span,
        "count": words.count,
        "short": words.short,
        "universal": words.universal,
        "size": format_size,
        "deed": wording.deed,
        "held": wording.held_in_words,
        "names": wording.names_of,
        "rule": standing.rule_in_short,
        "prose": _prose,
    }
    return environment.from_string(_resource("page.html"))


def _prose(text: str) -> Any:
    """A sentence as the screen shows it, with what stands between backticks set as what one types."""
    from markupsafe import Markup
    from markupsafe import escape as markup

    parts = escape(text).split("`")
    if len(parts) % 2 == 0:  # one of them stands alone: it means itself
        return Markup(markup("`".join(parts)))  # noqa: S704 - escaped
    marked = (f"<code>{markup(part)}</code>" if number % 2 else str(markup(part)) for number, part in enumerate(parts))
    return Markup("".join(marked))  # noqa: S704 - each part was escaped


def _visible(value: Any) -> Any:
    return escape(value) if type(value) is str else value  # a str of its own class is markup that the template made


@cache
def _style() -> str:
    return _resource("page.css")


@cache
def _policy() -> dict[str, str]:
    digest = b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    policy = ("default-src 'none'", f"style-src 'sha256-{digest}'", "img-src data:", "base-uri 'none'", "form-action 'none'")
    return {
        "content-security-policy": "; ".join((*policy, "frame-ancestors 'none'")),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
    }


def _resource(name: str) -> str:
    return files("reconciler.web").joinpath(name).read_text(encoding="utf-8")
