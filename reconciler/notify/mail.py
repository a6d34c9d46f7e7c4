"""Mail by SMTP. With ``starttls`` and ``tls`` nothing is said before the certificate was found good for the host."""

from __future__ import annotations

import smtplib
import socket
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from msgspec import Struct

from reconciler.base.secret import Secret
from reconciler.model.alerts import AlertSeverity, Notice
from reconciler.model.declared.alerts import Email
from reconciler.notify import text
from reconciler.notify.errors import NoticeRefused, NotifyError, ReceiverBusy, ReceiverDenies, ReceiverUnreachable
from reconciler.notify.web import check_address

BODY_CHARACTERS_MAX = 20_000
_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class Mail(Struct, frozen=True):
    """One mail server with its addresses."""

    name: str
    spec: Email
    password: Secret | None
    timeout_seconds: float

    def send(self, notice: Notice) -> None:
        """One mail to all addresses. Refused by some of them counts as refused: somebody did not get it."""
        try:
            with self._server() as server:
                refused = server.send_message(message(self.spec, notice))
        except NotifyError:
            raise
        except smtplib.SMTPAuthenticationError as error:
            raise ReceiverDenies(f"{self.name} does not accept user and password ({error.smtp_code})") from error
        except smtplib.SMTPRecipientsRefused as error:
            raise _of_code(self.name, *next(iter(error.recipients.values()))) from error
        except smtplib.SMTPResponseException as error:
            raise _of_code(self.name, error.smtp_code, error.smtp_error) from error
        except ssl.SSLCertVerificationError as error:
            raise ReceiverUnreachable(f"the certificate of {self.name} is not trusted: {error.verify_message}") from error
        except (OSError, smtplib.SMTPException) as error:
            late = isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)  # smtplib calls it a closed connection
            reason = "no answer in time" if late else getattr(error, "strerror", None) or str(error)
            raise ReceiverUnreachable(f"{self.name} cannot be reached: {text.one_line(str(reason), 200)}") from error
        if refused:
            raise NoticeRefused(f"{self.name} does not take mail for {', '.join(sorted(refused))}")

    def _server(self) -> smtplib.SMTP:
        spec, seconds = self.spec, self.timeout_seconds
        port = spec.port if spec.port is not None else _PORTS[spec.security]
        for *_, place in socket.getaddrinfo(spec.host, port, type=socket.SOCK_STREAM):
            check_address(str(place[0]))
        context = ssl.create_default_context(cafile=spec.ca)
        if spec.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(spec.host, port, timeout=seconds, context=context)
        else:
            server = smtplib.SMTP(spec.host, port, timeout=seconds)
        try:
            if spec.security == "starttls":
                server.starttls(context=context)
            if spec.username is not None and self.password is not None:
                server.login(spec.username, self.password.reveal().decode())
        except BaseException:
            server.close()
            raise
        return server


def message(spec: Email, notice: Notice) -> EmailMessage:
    """Plain text. Title and addresses are one line each, so no header can be smuggled in."""
    mail = EmailMessage()
    mail["Subject"] = f"[reconciler] {text.title(notice)}"
    mail["From"] = _address(spec.sender)
    mail["To"] = tuple(_address(one) for one in spec.to)
    mail["Date"] = format_datetime(notice.at)
    domain = spec.sender.rpartition("@")[2]
    mail["Message-ID"] = f"<{notice.id}@{domain}>"  # a mail that comes twice is one
    if len(notice.lines) == 1:
        mail["References"] = f"<{notice.lines[0].id}@{domain}>"  # begin, reminders and end of an alert stand together
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notice answers it
    if notice.severity is AlertSeverity.CRITICAL and not text.is_over(notice):
        mail["Importance"] = "high"
    mail.set_content(f"{text.title(notice)}\n\n{text.body(notice, characters_max=BODY_CHARACTERS_MAX)}\n")
    return mail


def _address(plain: str) -> Address:
    user, _, domain = plain.rpartition("@")
    return Address(username=user, domain=domain)


def _of_code(name: str, code: int, said: bytes | str) -> NotifyError:
    words = text.one_line(said.decode(errors="replace") if isinstance(said, bytes) else said, 200)
    sentence = f"{name} answers {code}: {words}"
    return ReceiverBusy(sentence) if 400 <= code < 500 else NoticeRefused(sentence)
