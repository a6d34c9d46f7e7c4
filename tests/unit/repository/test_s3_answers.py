"""What a store that speaks S3 answers, and how it is signed for: by published vectors and by tables."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.base.clock import SystemClock
from reconciler.base.secret import Secret
from reconciler.repository import Access, Credentials, RepositoryError
from reconciler.repository.errors import AccessRefused, ClockApart, NoSpace, NoSuchBucket, NotAStore, Unreachable, WrongRegion
from reconciler.repository.remote.lines import Answer
from reconciler.repository.remote.patience import Again, Patience
from reconciler.repository.remote.s3 import S3Store
from reconciler.repository.remote.s3_answers import page, refusal, trouble
from reconciler.repository.remote.signing import EMPTY_BODY, encoded_query, signed
from reconciler.repository.remote.throttle import Throttle

# The examples of "Authenticating Requests: Using the Authorization Header" in the documentation of S3.
_WHO = Credentials("AKIAIOSFODNN7EXAMPLE", Secret(b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))
_WHEN = datetime(2013, 5, 24, tzinfo=UTC)
_HOST = "examplebucket.s3.amazonaws.com"
VECTORS = [
    (
        "GET",
        "/test.txt",
        {},
        {"range": "bytes=0-9"},
        EMPTY_BODY,
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    (
        "PUT",
        "/test$file.text",
        {},
        {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ),
    ("GET", "/", {"lifecycle": ""}, {}, EMPTY_BODY, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
    ("GET", "/", {"max-keys": "2", "prefix": "J"}, {}, EMPTY_BODY, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
]


@pytest.mark.parametrize(("method", "path", "query", "headers", "digest", "expected"), VECTORS)
def test_signatures_are_those_of_the_documentation(
    method: str, path: str, query: dict[str, str], headers: dict[str, str], digest: str, expected: str
) -> None:
    sent = signed(method, path, query, {"host": _HOST, **headers}, digest, _WHO, "us-east-1", _WHEN)
    assert sent["authorization"].endswith(f"Signature={expected}")
    assert "wJalr" not in str(sent)


def test_a_token_is_sent_and_signed() -> None:
    who = Credentials("AK", Secret(b"a secret word"), Secret(b"the token of today"))
    sent = signed("GET", "/x", {}, {"host": "h"}, EMPTY_BODY, who, "r", _WHEN)
    assert sent["x-amz-security-token"] == "the token of today"
    assert "x-amz-security-token" in sent["authorization"]


def test_what_is_special_in_a_query_is_encoded() -> None:
    assert encoded_query({"prefix": "a b/ü&=", "max-keys": "2"}) == "max-keys=2&prefix=a%20b%2F%C3%BC%26%3D"


def _error(status: int, code: str, **headers: str) -> Answer:
    return Answer(status, headers, b"<?xml version='1.0'?><Error><Code>%s</Code><Message>why</Message></Error>" % code.encode())


REFUSALS: list[tuple[Answer, type[Exception]]] = [
    (_error(404, "NoSuchBucket"), NoSuchBucket),
    (_error(403, "AccessDenied"), AccessRefused),
    (_error(403, "SignatureDoesNotMatch"), AccessRefused),
    (_error(400, "ExpiredToken"), AccessRefused),
    (_error(403, "RequestTimeTooSkewed", date="Thu, 26 Nov 2026 10:00:00 GMT"), ClockApart),
    (_error(301, "PermanentRedirect", **{"x-amz-bucket-region": "eu-west-1"}), WrongRegion),
    (_error(507, "Whatever"), NoSpace),
    (_error(400, "QuotaExceeded"), NoSpace),
    (_error(503, "SlowDown"), Again),
    (_error(500, "InternalError"), Again),
    (_error(200, "InternalError"), Again),
    (Answer(502, {}, b"<html>bad gateway</html>"), Again),
    (_error(400, "InvalidArgument"), Unreachable),
    (Answer(405, {}, b"<html>no</html>"), NotAStore),
]


@pytest.mark.parametrize(("answer", "kind"), REFUSALS)
def test_every_refusal_is_named_and_only_some_are_asked_again(answer: Answer, kind: type[Exception]) -> None:
    found = trouble(answer)
    assert found is not None
    error = refusal(answer, found, "index/abc", "s3://bucket/host")
    assert type(error) is kind
    assert isinstance(error, Again) or "s3://bucket" in str(error)
    if isinstance(error, WrongRegion):
        assert error.hint == "The bucket is in eu-west-1: `region: eu-west-1`."
    if isinstance(error, Again):
        assert error.busy == (answer.status == 503)


def test_content_is_no_trouble() -> None:
    assert trouble(Answer(200, {}, b"RCO1\x00\x01")) is None
    assert trouble(Answer(200, {}, b'{"kind": "reconciler repository"}')) is None


_PAGE = b"""<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>%s</IsTruncated>
<Contents><Key>p/keys/one</Key><Size>5</Size><LastModified>2026-11-26T10:00:00.000Z</LastModified></Contents>%s</ListBucketResult>"""


def test_a_page_is_read_with_the_way_to_the_next() -> None:
    token = b"<NextContinuationToken>more</NextContinuationToken><CommonPrefixes><Prefix>p/keys/sub/</Prefix></CommonPrefixes>"
    read = page(Answer(200, {}, _PAGE % (b"true", token)), "s3://b/p", "p/keys/")
    assert [(f.name, f.size, f.stored_at.year) for f in read.found] == [("p/keys/one", 5, 2026)]
    assert read.folders == ["p/keys/sub/"]
    assert read.more == "more"
    assert page(Answer(200, {}, _PAGE % (b"false", b"")), "s3://b/p", "p/keys/").more is None


NO_PAGES = [
    b"",
    b"<html><body>Welcome</body></html>",
    b"<Error><Code>InternalError</Code></Error>",
    b"<ListBucketResult></ListBucketResult>",
    _PAGE % (b"true", b""),
    _PAGE.replace(b"<Size>5</Size>", b"") % (b"false", b""),
    _PAGE.replace(b"<Size>5", b"<Size>five") % (b"false", b""),
    b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]>" + _PAGE % (b"false", b"&a;"),
    (_PAGE % (b"false", b""))[:120],
]


@pytest.mark.parametrize("body", NO_PAGES)
def test_what_is_no_list_is_an_error_and_never_an_empty_list(body: bytes) -> None:
    with pytest.raises(NotAStore):
        page(Answer(200, {}, body), "s3://b/p", "p/keys/")


class _Clock(SystemClock):
    """Time passes only where somebody waits."""

    def __init__(self) -> None:
        self.at = 100.0

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    made = _Clock()

    def sleep(seconds: float) -> None:
        made.at += seconds

    monkeypatch.setattr("time.sleep", sleep)
    return made


def _failing(times: int, *, busy: bool = False) -> tuple[list[int], object]:
    tries: list[int] = []

    def attempt(number: int) -> str:
        tries.append(number)
        if len(tries) <= times:
            raise Again(Unreachable("it is away"), busy=busy)
        return "answer"

    return tries, attempt


def test_what_passes_is_asked_again_until_it_is_answered(clock: _Clock) -> None:
    tries, attempt = _failing(6)
    patience = Patience(900, clock)
    patience.answered()
    assert patience.run(attempt) == "answer"  # type: ignore[arg-type]
    assert len(tries) == 7
    assert 100 < clock.at < 100 + sum(0.2 * 2**n for n in range(6))


def test_patience_ends(clock: _Clock) -> None:
    tries, attempt = _failing(10_000)
    patience = Patience(300, clock)
    patience.answered()
    with pytest.raises(Unreachable, match="it is away"):
        patience.run(attempt)  # type: ignore[arg-type]
    assert 200 < clock.at - 100 <= 300
    assert len(tries) < 80


def test_a_place_that_never_answered_is_given_up_soon(clock: _Clock) -> None:
    _, attempt = _failing(10_000)
    with pytest.raises(Unreachable):
        Patience(900, clock).run(attempt)  # type: ignore[arg-type]
    assert clock.at - 100 <= 10


def test_an_error_that_does_not_pass_is_raised_at_once(clock: _Clock) -> None:
    def attempt(number: int) -> str:
        raise NoSpace("full")

    with pytest.raises(RepositoryError, match="full"):
        Patience(900, clock).run(attempt)
    assert clock.at == 100


def test_a_busy_place_is_left_alone_by_everybody(clock: _Clock) -> None:
    patience = Patience(900, clock)
    _, attempt = _failing(4, busy=True)
    patience.run(attempt)  # type: ignore[arg-type]
    patience._note(7.0, busy=True)
    began = clock.at
    assert patience.run(lambda _: "answer") == "answer"
    assert clock.at >= began + 7.0


def test_bandwidth_is_shared_by_all_who_use_it(clock: _Clock) -> None:
    throttle = Throttle(1_000_000, clock)
    for _ in range(50):
        throttle.take(64 * 1024)
    assert clock.at - 100 == pytest.approx(49 * 64 * 1024 / 1_000_000)
    Throttle(None, clock).take(10**12)


def test_names_of_amazon_hold_the_bucket_unless_it_has_dots() -> None:
    access = Access(region="eu-west-1", credentials=lambda: _WHO)
    assert S3Store("s3://backups/x", access).lines.host == "backups.s3.eu-west-1.amazonaws.com"
    assert S3Store("s3://my.backups/x", access).lines.host == "s3.eu-west-1.amazonaws.com"
