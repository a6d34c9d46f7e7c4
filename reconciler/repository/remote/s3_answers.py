"""What a store that speaks S3 answers, read strictly: an error is an error whatever its status says, and never an empty list."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from reconciler.repository.errors import (
    AccessRefused,
    ClockApart,
    NoSpace,
    NoSuchBucket,
    NotAStore,
    RepositoryError,
    Unreachable,
    WrongRegion,
)
from reconciler.repository.remote.lines import Answer
from reconciler.repository.remote.patience import HINT, Again
from reconciler.repository.store import Found

EXPIRED = frozenset(
    {"ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "TokenRefreshRequired", "SignatureDoesNotMatch", "RequestExpired"}
)
"""Other credentials may be right by now."""
_PASSING = frozenset({408, 409, 429, 500, 502, 503, 504})  # 409: somebody creates this very object at this moment
_BUSY = frozenset({429, 503})
_FULL = frozenset({"XMinioStorageFull", "QuotaExceeded", "EntityTooLarge", "InsufficientCapacity", "XMinioAdminBucketQuotaExceeded"})
STRANGER = frozenset({"AccessDenied", "XAdminUserNotFound", "AllAccessDisabled", "AccountProblem"})
_REGION = frozenset({"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"})
_SKEW = frozenset({"RequestTimeTooSkewed", "RequestInTheFuture"})


class Page(NamedTuple):
    """One page of a listing."""

    found: list[Found]
    """Keys in full."""
    folders: list[str]
    more: str | None
    """How to ask for the next page; None: this is the last one."""


class Version(NamedTuple):
    """One version of an object, or a delete marker over it."""

    key: str
    version: str
    marker: bool
    size: int
    stored_at: datetime


class Versions(NamedTuple):
    """One page of a listing of versions; of each key the newest comes first."""

    found: list[Version]
    folders: list[str]
    more: tuple[str, str] | None
    """Key and version after which the next page begins; None: this is the last one."""


class Trouble(NamedTuple):
    """What an error document says."""

    code: str
    message: str
    region: str


def trouble(answer: Answer) -> Trouble | None:
    """The error that an answer holds, whatever its status; None when it holds none."""
    document = _document(answer.body)
    if document is not None and _plain(document.tag) == "Error":
        texts = {_plain(child.tag): (child.text or "").strip() for child in document}
        region = answer.headers.get("x-amz-bucket-region") or texts.get("Region", "")
        return Trouble(texts.get("Code", ""), texts.get("Message", ""), region)
    if answer.status >= 400 or answer.status in {301, 302, 303, 307, 308}:
        return Trouble("", answer.headers.get("x-amz-bucket-region", ""), answer.headers.get("x-amz-bucket-region", ""))
    return None


def refusal(answer: Answer, found: Trouble, what: str, url: str) -> RepositoryError | Again:
    """What went wrong, and whether it may pass."""
    shown = f"{found.code or answer.status}{f': {found.message}' if found.message else ''}"
    text = f"{what} in {url} cannot be reached: {shown}"
    if found.code in _FULL or answer.status == 507:
        return NoSpace(f"no space left for {what} in {url}: {shown}", repository=url)
    if found.code in _SKEW:
        return ClockApart(f"the clock of this machine and that of {url} are too far apart: {shown}{_its_clock(answer)}", repository=url)
    if found.code == "NoSuchBucket":
        return NoSuchBucket(f"there is no bucket for {url}", repository=url)
    if found.code in _REGION or answer.status in {301, 307, 308}:
        hint = f"The bucket is in {found.region}: `region: {found.region}`." if found.region else None
        return WrongRegion(f"the bucket of {url} is in another region: {shown}", hint=hint, repository=url)
    if answer.status in {401, 403} or found.code in EXPIRED or found.code in STRANGER:
        return AccessRefused(f"{url} refuses {what}: {shown}", repository=url, object=what)
    if answer.status in _PASSING or (answer.status < 300 and found.code):  # a 200 that holds an error was begun well and ended badly
        return Again(Unreachable(text, hint=HINT, repository=url, object=what), busy=answer.status in _BUSY or found.code == "SlowDown")
    if not found.code:
        return NotAStore(f"what answers at {url} does not speak S3: status {answer.status} for {what}", repository=url)
    return Unreachable(text, hint=HINT, repository=url, object=what)


def page(answer: Answer, url: str, prefix: str) -> Page:
    """A page of a listing of ``prefix``. Raises NotAStore when it is none."""
    document = _document(answer.body)
    if document is None or _plain(document.tag) != "ListBucketResult":
        raise NotAStore(f"what answers at {url} does not speak S3: it gives no list of {prefix}", repository=url)
    found: list[Found] = []
    folders: list[str] = []
    texts: dict[str, str] = {}
    for child in document:
        name = _plain(child.tag)
        if name == "Contents":
            found.append(_entry(child, url))
        elif name == "CommonPrefixes":
            folders += [(each.text or "") for each in child if _plain(each.tag) == "Prefix"]
        else:
            texts[name] = (child.text or "").strip()
    if "IsTruncated" not in texts:
        raise NotAStore(f"the list of {prefix} that {url} gives does not say whether it is whole", repository=url)
    more = texts.get("NextContinuationToken") if texts["IsTruncated"].lower() == "true" else None
    if more is None and texts["IsTruncated"].lower() == "true":
        raise NotAStore(f"{url} gives a part of the list of {prefix} and no way to the rest", repository=url)
    return Page(found, folders, more)


def versions(answer: Answer, url: str, prefix: str) -> Versions:
    """A page of a listing of versions of ``prefix``. Raises NotAStore when it is none."""
    document = _document(answer.body)
    if document is None or _plain(document.tag) not in {"ListVersionsResult", "ListBucketVersionsResult"}:
        raise NotAStore(f"what answers at {url} does not speak S3: it gives no list of the versions of {prefix}", repository=url)
    texts = {_plain(child.tag): (child.text or "").strip() for child in document if not len(child)}
    if "IsTruncated" not in texts:
        raise NotAStore(f"the list of {prefix} that {url} gives does not say whether it is whole", repository=url)
    found = [_version(child, url) for child in document if _plain(child.tag) in {"Version", "DeleteMarker"}]
    outer = [child for child in document if _plain(child.tag) == "CommonPrefixes"]
    folders = [each.text or "" for child in outer for each in child if _plain(each.tag) == "Prefix"]
    if texts["IsTruncated"].lower() != "true":
        return Versions(found, folders, None)
    if not texts.get("NextKeyMarker"):
        raise NotAStore(f"{url} gives a part of the list of {prefix} and no way to the rest", repository=url)
    return Versions(found, folders, (texts["NextKeyMarker"], texts.get("NextVersionIdMarker", "")))


def moment_of(header: str) -> datetime | None:
    """A date of HTTP; None when it is none."""
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except (ValueError, TypeError):
        return None


def texts_of(body: bytes) -> Iterator[tuple[str, str]]:
    """Every element of a document with its text, in order."""
    document = _document(body)
    if document is not None:
        yield from ((_plain(each.tag), (each.text or "").strip()) for each in document.iter())


def _entry(element: ET.Element, url: str) -> Found:
    texts = {_plain(child.tag): (child.text or "") for child in element}
    try:
        stored_at = datetime.fromisoformat(texts["LastModified"].replace("Z", "+00:00")).astimezone(UTC)
        return Found(texts["Key"], int(texts["Size"]), stored_at)
    except (KeyError, ValueError) as error:
        raise NotAStore(f"{url} lists an object without key, size or time", repository=url) from error


def _version(element: ET.Element, url: str) -> Version:
    texts = {_plain(child.tag): (child.text or "") for child in element}
    marker = _plain(element.tag) == "DeleteMarker"
    try:
        stored_at = datetime.fromisoformat(texts["LastModified"].replace("Z", "+00:00")).astimezone(UTC)
        return Version(texts["Key"], texts["VersionId"], marker, 0 if marker else int(texts["Size"]), stored_at)
    except (KeyError, ValueError) as error:
        raise NotAStore(f"{url} lists a version without key, size or time", repository=url) from error


def _document(body: bytes) -> ET.Element | None:
    if body.lstrip()[:1] != b"<" or b"<!DOCTYPE" in body[:2000] or b"<!ENTITY" in body:
        return None  # no answer of S3 defines words of its own
    try:
        return ET.fromstring(body)  # noqa: S314 (documents that define entities were left out above)
    except ET.ParseError:
        return None


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]


def _its_clock(answer: Answer) -> str:
    moment = moment_of(answer.headers.get("date", ""))
    return f"; there it is {moment.isoformat(timespec='seconds')}" if moment is not None else ""
