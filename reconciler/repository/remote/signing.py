"""Signature version 4, as every store that speaks S3 checks it: who asks, for what, when, with which body. One pure function."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from reconciler.repository.access import Credentials

_ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_BODY = hashlib.sha256(b"").hexdigest()


def encoded_path(path: str) -> str:
    """A path as it is sent and signed; S3 encodes it once only."""
    return quote(path, safe="/-_.~")


def encoded_query(query: Mapping[str, str]) -> str:
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(query.items()))


def signed(
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body_sha256: str,
    credentials: Credentials,
    region: str,
    now: datetime,
) -> dict[str, str]:
    """``headers`` (with Host) and what proves them. The digest of the body is signed, too: the store refuses any other body."""
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    secret = credentials.secret.reveal() if credentials.secret is not None else b""
    sent = {name.lower(): value for name, value in headers.items()} | {"x-amz-content-sha256": body_sha256, "x-amz-date": moment}
    if credentials.token is not None:
        sent["x-amz-security-token"] = credentials.token.reveal().decode()
    names = ";".join(sorted(sent))
    request = "\n".join(
        [
            method,
            encoded_path(path),
            encoded_query(query),
            *(f"{name}:{' '.join(sent[name].split())}" for name in sorted(sent)),
            "",
            names,
            body_sha256,
        ]
    )
    to_sign = "\n".join([_ALGORITHM, moment, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = b"AWS4" + secret
    for part in (moment[:8], region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    sent["authorization"] = f"{_ALGORITHM} Credential={credentials.access}/{scope}, SignedHeaders={names}, Signature={signature}"
    return sent
