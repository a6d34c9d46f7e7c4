"""Which addresses the specs name, on which way each is looked at, and that nobody sees those that are secret."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from reconciler.cli.render.health import health_json, health_page
from reconciler.model.health import CheckName, HealthCheck, HealthState
from tests.fakes.houses import WholeHouse
from tests.fakes.posts import Post, Reply, post_office
from tests.fakes.proxies import WebProxy, web_proxy

HEAD = "apiVersion: reconciler/v1\nkind: AlertPolicy\nmetadata: {name: duty}\nspec:\n  receivers:\n"
BUCKET = (
    "apiVersion: reconciler/v1\nkind: Repository\nmetadata: {name: %s}\n"
    'spec: {url: "s3://%s/x", endpoint: "http://store.example.org:%s", key: {file: ../keys/main.key}, format: %s}\n'
)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def office() -> Iterator[Post]:
    with post_office(Reply(404)) as found:
        yield found


@pytest.fixture
def proxy() -> Iterator[WebProxy]:
    with web_proxy() as found:
        yield found


def declare(house: WholeHouse, *receivers: str) -> None:
    house.write("alerts.yaml", HEAD + "".join(f"    - {receiver}\n" for receiver in receivers))


def command(house: WholeHouse, words: str) -> str:
    """The receiver whose address this shell script prints."""
    folder = house.folder / "programs"
    folder.mkdir(mode=0o700, exist_ok=True)
    program = folder / "address"
    program.write_text(f"#!/bin/sh\n{words}\n")
    program.chmod(0o700)
    house.allowed = (folder,)
    return f'{{name: pager, webhook: {{url: {{command: ["{program}"]}}}}}}'


def looked(house: WholeHouse, secret: str = "hunter2-") -> dict[str, HealthCheck]:
    """The checks of addresses, by their object."""
    with house.session(read_only=True) as session:
        found = session.health()
    shown = health_page(found).render() + health_json(found)
    assert secret not in shown
    return {check.object: check for check in found.checks if check.name is CheckName.NETWORK}


def test_an_address_from_a_command_is_looked_at_and_not_shown(house: WholeHouse, office: Post) -> None:
    declare(house, command(house, f"echo {office.url}/hunter2-path"))
    (check,) = looked(house, office.url.removeprefix("http://")).values()
    assert (check.object, check.state) == ("receiver duty/pager", HealthState.GOOD)
    assert office.got == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("echo hunter2-secret >&2; exit 3", "has no address: the command"),
        ("echo hunter2-nonsense", "has an address that is not one of the web"),
        ("echo http://127.0.0.1:9/hunter2-path", "cannot be reached: Connection refused"),
    ],
)
def test_a_command_that_gives_no_good_address(house: WholeHouse, words: str, expected: str) -> None:
    declare(house, command(house, words))
    (check,) = looked(house).values()
    assert check.state is HealthState.BAD
    assert check.message.startswith(expected)


def test_commands_that_hang_are_waited_for_together_and_not_for_long(house: WholeHouse) -> None:
    receiver = command(house, "exec sleep 20")
    declare(house, *(receiver.replace("pager", f"pager{number}") for number in range(4)))
    began = time.monotonic()
    found = looked(house)
    assert time.monotonic() - began < 9
    assert {check.message.partition(" did not")[0] for check in found.values()} == {
        f"has no address: the output of '{house.folder}/programs/address'"
    }
    assert len(found) == 4


def test_a_command_that_this_host_does_not_allow_is_not_run(house: WholeHouse) -> None:
    declare(house, command(house, f"touch {house.folder}/was-run"))
    house.allowed = ()
    (check,) = looked(house).values()
    assert "not in a directory that this host allows" in check.message
    assert not (house.folder / "was-run").exists()


def test_each_is_looked_at_on_the_way_that_its_user_takes(
    house: WholeHouse, office: Post, proxy: WebProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages and buckets through the proxy, ours and those of restic; the names are known to the proxy alone."""
    port = office.url.rpartition(":")[2]
    far, near = f"http://hooks.example.org:{port}/x", office.url
    declare(house, f'{{name: pager, webhook: {{url: "{far}"}}}}', f'{{name: near, webhook: {{url: "{near}"}}}}')
    house.write("far.yaml", BUCKET % ("far", "far", port, "reconciler"))
    house.write("other.yaml", BUCKET % ("other", "other", port, "restic"))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    states = {name: check.state for name, check in looked(house).items()}
    assert states == {
        "receiver duty/pager": HealthState.GOOD,
        "receiver duty/near": HealthState.GOOD,
        "repository far, repository other": HealthState.GOOD,
    }
    assert {line.split("/")[2] for line in proxy.asked} == {f"hooks.example.org:{port}", f"store.example.org:{port}"}
    monkeypatch.setenv("NO_PROXY", "example.org")
    states = {name: check.state for name, check in looked(house).items()}
    assert states["receiver duty/pager"] is states["repository far, repository other"] is HealthState.BAD


def test_a_receiver_is_not_looked_for_where_clouds_hand_out_credentials(
    house: WholeHouse, proxy: WebProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(house, '{name: pager, webhook: {url: "http://169.254.169.254/x"}}')
    for environment in ({}, {"HTTP_PROXY": proxy.url}):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        (check,) = looked(house).values()
        assert (check.state, "link-local" in check.message) == (HealthState.BAD, True)
    assert proxy.asked == []


@pytest.mark.parametrize("value", ["socks5://hunter2-user:hunter2-word@127.0.0.1:1", "http://hunter2-user:hunter2-word@127.0.0.1:9"])
def test_a_proxy_of_no_use_is_told_without_its_password(house: WholeHouse, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(house, '{name: pager, webhook: {url: "https://hooks.example.org/x"}}')
    monkeypatch.setenv("HTTPS_PROXY", value)
    (check,) = looked(house).values()
    assert check.state is HealthState.BAD
    assert "web proxy" in check.message


def test_the_alert_itself_goes_through_the_proxy(house: WholeHouse, proxy: WebProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    with post_office(Reply(200)) as office:
        declare(house, f'{{name: pager, webhook: {{url: "{office.url.replace("127.0.0.1", "hooks.example.org")}/x"}}}}')
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        house.one_pass(init=True)
        (house.folder / "repository").rename(house.folder / "lost")
        house.one_pass()
        (got,) = [got for got in office.got if got.method == "POST"]
    assert json.loads(got.body)["alerts"][0]["condition"] == "RepositoryReachable"
    assert proxy.asked
