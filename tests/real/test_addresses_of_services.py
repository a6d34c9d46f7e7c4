"""Where the services of the delivery library are, as the library says; and one of them looked at by a real house."""

from __future__ import annotations

import pytest

from reconciler.base.errors import ReconcilerError
from reconciler.model.health import CheckName, HealthCheck, HealthState
from reconciler.notify.whereabouts import find
from tests.fakes.houses import WholeHouse, quick_folder
from tests.fakes.posts import Reply, post_office
from tests.fakes.proxies import web_proxy
from tests.real.conftest import needs

pytestmark = pytest.mark.real
UUID = "a1b2c3d4-1234-1234-1234-abcdefabcdef"
POLICY = (
    "apiVersion: reconciler/v1\nkind: AlertPolicy\nmetadata: {name: duty}\nspec:\n"
    "  receivers: [{name: pager, apprise: {url: {env: SERVICE_ADDRESS}}}]\n"
)


@pytest.fixture(autouse=True)
def _library(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("apprise")
    find.cache_clear()
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", "https://hooks.slack.com:443"),
        ("slack://xoxb-1234-1234-abc124/#general", "https://slack.com:443"),
        ("matrixs://user:pass@matrix.example.org/#general", "https://matrix.example.org:443"),
        ("matrix://user:pass@matrix.example.org:8008/#general", "http://matrix.example.org:8008"),
        ("ntfy://topic", "https://ntfy.sh:443"),
        ("ntfys://ntfy.example.org:8443/topic", "https://ntfy.example.org:8443"),
        ("ntfys://ntfy.example.org/topic?verify=no", "http://ntfy.example.org:443"),
        ("pagerduty://abcdefghijklmnop@abcdefghijkl/", "https://events.pagerduty.com:443"),
        ("pagerduty://abcdefghijklmnop@abcdefghijkl/?region=eu", "https://events.eu.pagerduty.com:443"),
        (f"opsgenie://{UUID}", "https://api.opsgenie.com:443"),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", "https://api.telegram.org:443"),
        ("pover://" + "u" * 30 + "@" + "t" * 30, "https://api.pushover.net:443"),
        ("workflows://prod-1.westus.logic.azure.com:443/workflow/signature", "https://prod-1.westus.logic.azure.com:443"),
        ("gotifys://gotify.example.org/" + "t" * 15, "https://gotify.example.org:443"),
        ("mmosts://chat.example.org/3ccdd113474722377935511fc85d3dd4", "https://chat.example.org:443"),
        ("irc://irc.example.org/#ops", "http://irc.example.org:6667"),
        ("rsyslog://10.0.0.9/", "http://10.0.0.9:514"),
        ("syslog://", None),
    ],
)
def test_where_a_service_is(url: str, expected: str | None) -> None:
    """``http`` stands for no TLS that is to be trusted."""
    found = find(url)
    assert expected == (f"{'https' if found.secure else 'http'}://{found.host}:{found.port}" if found is not None else None)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense://x", "is not one that apprise understands"),
        ("json://127.0.0.1/", "is a 'json' address"),
        ("ntfy://169.254.169.254/topic", "link-local"),
    ],
)
def test_what_is_no_service(url: str, words: str) -> None:
    with pytest.raises(ReconcilerError, match=words):
        find(url)


def test_nothing_is_sent_while_it_is_found() -> None:
    with post_office(Reply(200, b"{}")) as office:
        found = find(office.url.replace("http://", "ntfy://") + "/alerts")
        assert found is not None
        assert (found.host, str(found.port)) == ("127.0.0.1", office.url.rpartition(":")[2])
        assert office.got == []


def looked(house: WholeHouse) -> HealthCheck:
    with house.session(read_only=True) as session:
        (check,) = [check for check in session.health().checks if check.name is CheckName.NETWORK]
    return check


def test_a_house_looks_whether_its_service_can_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    with quick_folder() as folder, post_office(Reply(200, b"{}")) as office, web_proxy() as proxy:
        house = WholeHouse(folder)
        house.write("alerts.yaml", POLICY)
        monkeypatch.setenv("SERVICE_ADDRESS", office.url.replace("http://", "ntfy://") + "/alerts")
        assert (looked(house).state, office.got) == (HealthState.GOOD, [])
        monkeypatch.setenv("SERVICE_ADDRESS", "ntfy://127.0.0.1:9/alerts")
        assert looked(house).message == "cannot be reached: Connection refused"
        monkeypatch.setenv("SERVICE_ADDRESS", f"ntfy://ntfy.example.org:{office.url.rpartition(':')[2]}/alerts")
        assert looked(house).state is HealthState.BAD
        find.cache_clear()  # a process asks once: the environment of a process does not change
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert looked(house).state is HealthState.GOOD
        monkeypatch.setenv("SERVICE_ADDRESS", "bogus://hunter2")
        check = looked(house)
        assert check.message == "cannot be used: the address of it is not one that apprise understands"
