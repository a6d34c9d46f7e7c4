"""Web proxies: which one the environment names for which host."""

from __future__ import annotations

import pytest

from reconciler.base.proxy import Proxies, Proxy, ProxyTrouble, proxy_at
from reconciler.base.secret import redact

FIRST, SECOND = "http://one.example:3128", "two.example:8080"


def way(environment: dict[str, str], *, secure: bool = True, host: str = "hooks.example.org", port: int = 443) -> str | None:
    found = Proxies.of(environment).towards(secure=secure, host=host, port=port)
    return found.host if found is not None else None


@pytest.mark.parametrize(
    ("environment", "secure", "expected"),
    [
        ({}, True, None),
        ({"HTTPS_PROXY": FIRST}, True, "one.example"),
        ({"HTTPS_PROXY": FIRST}, False, None),
        ({"HTTP_PROXY": FIRST}, False, "one.example"),
        ({"HTTPS_PROXY": FIRST, "https_proxy": SECOND}, True, "two.example"),
        ({"HTTPS_PROXY": FIRST, "https_proxy": ""}, True, None),
        ({"ALL_PROXY": FIRST}, True, "one.example"),
        ({"ALL_PROXY": FIRST}, False, "one.example"),
        ({"ALL_PROXY": FIRST, "HTTPS_PROXY": SECOND}, True, "two.example"),
    ],
)
def test_which_one(environment: dict[str, str], secure: bool, expected: str | None) -> None:
    assert way(environment, secure=secure) == expected


@pytest.mark.parametrize(
    ("word", "host", "direct"),
    [
        ("*", "hooks.example.org", True),
        ("example.org", "hooks.example.org", True),
        (".example.org", "hooks.example.org", True),
        ("*.example.org", "hooks.example.org", True),
        ("EXAMPLE.org", "Hooks.Example.Org", True),
        ("example.org", "example.org", True),
        ("example.org", "notexample.org", False),
        ("hooks.example.org:443", "hooks.example.org", True),
        ("hooks.example.org:8443", "hooks.example.org", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("fd00::/8", "fd00::7", True),
        ("[fd00::7]:443", "fd00::7", True),
        ("[fd00::7]:80", "fd00::7", False),
        ("other.example , hooks.example.org", "hooks.example.org", True),
        (" , ", "hooks.example.org", False),
        ("10.0.0.0/8", "hooks.example.org", False),
    ],
)
def test_what_is_reached_directly(word: str, host: str, direct: bool) -> None:
    assert way({"HTTPS_PROXY": FIRST, "NO_PROXY": word}, host=host) == (None if direct else "one.example")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST", "a.localhost"])
def test_what_is_on_this_host_is_never_asked_for_elsewhere(host: str) -> None:
    assert way({"ALL_PROXY": FIRST}, host=host) is None


def test_user_and_password_are_secrets_from_then_on() -> None:
    found = proxy_at("http://me:p%40ss-word@one.example:3128")
    assert found == Proxy("one.example", 3128, "Basic bWU6cEBzcy13b3Jk")
    assert redact("p@ss-word bWU6cEBzcy13b3Jk") == "*** ***"


@pytest.mark.parametrize("value", ["socks5://one.example:1080", "https://one.example", "http://", "http://one.example:port", "http://ü"])
def test_what_is_no_proxy_for_us_says_so_without_its_address(value: str) -> None:
    with pytest.raises(ProxyTrouble) as raised:
        proxy_at(value)
    assert raised.value.strerror.startswith("the environment names a web proxy")
    assert "one.example" not in raised.value.strerror
