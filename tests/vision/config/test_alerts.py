"""An alert has what its kind needs, and holds no secret."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from vision.config.alerts import AlertConfig

pytestmark = pytest.mark.unit

MAIL = {
    "kind": "email", "host": "mail.example.org", "sender": "monitor@example.org",
    "to": ("ann@example.org",),
}  # fmt: skip


def _refused(**values: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        AlertConfig.model_validate(values)
    [error] = caught.value.errors()
    return str(error["msg"])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "webhook"}, "an alert of kind webhook needs url_from"),
        ({"kind": "file"}, "an alert of kind file needs path"),
        ({**MAIL, "host": None}, "an alert of kind email needs host"),
        ({**MAIL, "to": ()}, "an alert of kind email needs to"),
        ({"kind": "webhook", "url_from": "https://hooks.example.org/x"}, "must be the name of an"),
        ({**MAIL, "user_from": "MAIL_USER"}, "user_from needs password_from beside it"),
        ({**MAIL, "password_from": "MAIL_PASSWORD"}, "password_from needs user_from beside it"),
        ({**MAIL, "host": "smtp://mail.example.org"}, "must be a server's name or address"),
        ({**MAIL, "host": "mail.example.org:25"}, "must be a server's name or address"),
        ({**MAIL, "sender": "monitor"}, "must be an e-mail address alone"),
        ({**MAIL, "sender": "Monitor <m@example.org>"}, "must be an e-mail address alone"),
        ({**MAIL, "to": ("a@example.org, b@example.org",)}, "must be an e-mail address alone"),
    ],
)
def test_what_is_missing_or_wrong_is_named(values: dict[str, Any], said: str) -> None:
    assert said in _refused(**values)


@pytest.mark.security
@pytest.mark.parametrize("key", ["sender", "to", "host"])
@pytest.mark.parametrize("added", ["\r\nBcc: all@example.org", "\n", "\u2028x"])
def test_no_value_begins_another_header(key: str, added: str) -> None:
    value: Any = f"{'mail' if key == 'host' else 'a@example.org'}{added}"

    assert "must be" in _refused(**{**MAIL, key: (value,) if key == "to" else value})


@pytest.mark.security
def test_a_password_is_not_sent_in_the_clear_but_on_this_machine() -> None:
    login = {"user_from": "MAIL_USER", "password_from": "MAIL_PASSWORD", "security": "none"}

    assert _refused(**MAIL, **login) == (
        "security: none would send the password in the clear; use starttls or tls"
    )
    assert AlertConfig.model_validate({**MAIL, **login, "host": "localhost"}).security == "none"
