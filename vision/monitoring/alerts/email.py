"""Sends a message by SMTP: encrypted from the start, after STARTTLS, or not at all.

User and password come from environment variables. A server's own words are never shown, since it
may repeat what it was sent; its code is.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from vision.config.alerts import AlertConfig
from vision.monitoring.alerts import delivery
from vision.monitoring.alerts.delivery import NotDelivered, keep_trying, secret
from vision.monitoring.alerts.message import Message

_PASSING = range(400, 500)


def send_email(message: Message, alert: AlertConfig, environment: Mapping[str, str]) -> str:
    """Sends a message to all addresses at once, with two more tries where that may help.

    Returns:
      what happened, in a sentence.

    Raises:
      NotDelivered: the server did not take it for any address.
    """
    login = None
    if alert.user_from and alert.password_from:
        login = (secret(alert.user_from, environment), secret(alert.password_from, environment))
    mail = _write(message, alert)
    return keep_trying(lambda: _send(mail, alert, login))


def _write(message: Message, alert: AlertConfig) -> EmailMessage:
    """Returns the e-mail; what would begin another header is refused by ``EmailMessage``."""
    mail = EmailMessage()
    mail["Subject"] = message.subject
    mail["From"] = alert.sender
    mail["To"] = ", ".join(alert.to)
    mail["Date"] = format_datetime(message.time)
    mail["Message-ID"] = make_msgid(domain=str(alert.sender).rpartition("@")[2])
    # So that no out-of-office note answers.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text + "\n")
    return mail


def _send(mail: EmailMessage, alert: AlertConfig, login: tuple[str, str] | None) -> str:
    assert alert.host is not None
    context = ssl.create_default_context()
    try:
        with _connected(alert.host, alert.port, alert.security, context) as server:
            if alert.security == "starttls":
                server.starttls(context=context)
            if login:
                server.login(*login)
            refused = server.send_message(mail)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise _refusal(error, alert) from None
    if refused:
        return f"delivered, but the server refused {', '.join(sorted(refused))}"
    return "delivered"


def _connected(host: str, port: int, security: str, context: ssl.SSLContext) -> smtplib.SMTP:
    if security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=delivery.TIMEOUT_S, context=context)
    return smtplib.SMTP(host, port, timeout=delivery.TIMEOUT_S)


def _refusal(error: Exception, alert: AlertConfig) -> NotDelivered:
    """Says what went wrong in words of our own."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return NotDelivered(
            f"the server's certificate is not trusted (code {error.verify_code}); where its "
            "authority is your own, name its file in SSL_CERT_FILE"
        )
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return NotDelivered(
            f"the server refused the user and password of {alert.user_from} and "
            f"{alert.password_from} ({error.smtp_code})"
        )
    if isinstance(error, smtplib.SMTPNotSupportedError):
        lacking = "encryption (STARTTLS)" if alert.security == "starttls" else "what is needed"
        return NotDelivered(
            f"the server offers no {lacking}; set the alert's security and port as it needs them"
        )
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return NotDelivered(
            f"the server refused every address ({', '.join(map(str, sorted(set(codes))))})",
            may_pass=all(code in _PASSING for code in codes),
        )
    if isinstance(error, smtplib.SMTPResponseException):
        return NotDelivered(
            f"the server answered {error.smtp_code}", may_pass=error.smtp_code in _PASSING
        )
    if isinstance(error, ssl.SSLError):
        return NotDelivered("the server speaks no TLS on this port; set the alert's security")
    # While it waits for an answer, smtplib says of a silent server that it closed the connection.
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return NotDelivered(f"no answer within {delivery.TIMEOUT_S:g} s", may_pass=True)
    said = error.strerror if isinstance(error, OSError) and error.errno else None
    return NotDelivered(
        f"no connection to the server ({said or type(error).__name__})",
        may_pass=isinstance(error, OSError),
    )
