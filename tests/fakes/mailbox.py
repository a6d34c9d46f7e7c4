"""A mail server on the loopback with certificates of its own making: aiosmtpd, which is what people run, with every answer that hurts."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, field

USER, PASSWORD = "reconciler", "correct horse battery"


class Mailbox(Struct):
    """What arrived, and where it can be reached."""

    port: int
    ca: Path
    got: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    answer: str = "250 OK"
    hang_seconds: float = 0
    refused: frozenset[str] = frozenset()


def certificate(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    """(Certificate, key) for 127.0.0.1 and one name, signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    shown, secret = folder / "mail.crt", folder / "mail.key"
    shown.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return shown, secret


@contextmanager
def mail_server(folder: Path, security: Literal["starttls", "tls", "none"], port: int) -> Iterator[Mailbox]:
    """Running while the block runs. With encryption it wants user and password, and takes them only encrypted."""
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult, LoginPassword

    shown, secret = certificate(folder)
    box = Mailbox(port, shown)

    class Handler:
        async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
            if address in box.refused:
                return "550 no such user here"
            envelope.rcpt_tos.append(address)
            return "250 OK"

        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            await asyncio.sleep(box.hang_seconds)
            if box.answer.startswith("250"):
                parsed = message_from_bytes(envelope.content, policy=policy.default)
                assert isinstance(parsed, EmailMessage)
                box.got.append((list(envelope.rcpt_tos), parsed))
            return box.answer

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=good)  # what is not handled gets the usual 535

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(shown, secret)
    words: dict[str, Any] = {"hostname": "127.0.0.1", "port": port}
    if security != "none":
        words |= {"authenticator": authenticate, "auth_required": True}
    if security == "starttls":
        words |= {"tls_context": context, "require_starttls": True}
    if security == "tls":
        words |= {"ssl_context": context, "auth_require_tls": False}  # it does not know that its door is encrypted already
    controller = Controller(Handler(), **words)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
