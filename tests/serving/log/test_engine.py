"""Addresses of databases: which are taken, and that nothing of a password is ever shown."""

from __future__ import annotations

import logging
import sqlite3

import psycopg
import pytest
import sqlalchemy as sa

from serving.log import LogError
from serving.log.engine import describe_failure, read_address, show_address
from tests.serving.log.conftest import MakeLog, make_record, wait_until

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:CANARY@db.example:5433/log", "postgresql://db.example:5433/log"),
        ("postgresql://me:CANARY%40x@db/log", "postgresql://db/log"),
        ("postgres://db/log?user=u&password=CANARY", "postgresql://db/log"),
        ("postgresql+psycopg://me:CANARY@[::1]:1/log", "postgresql://[::1]:1/log"),
        ("postgresql:///log?host=/run&sslpassword=CANARY", "postgresql:///log"),
        ("sqlite:////a@b/c@d.sqlite", "sqlite:////a@b/c@d.sqlite"),
    ],
)
def test_se02_an_address_is_shown_without_what_is_secret(address: str, shown: str) -> None:
    assert show_address(read_address(address)) == shown


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://user:secret@CANARYtail@127.0.0.1:1/db",
        "postgresql://user:secret@CANARY/tail@127.0.0.1/db",
        "postgresql://user:secret@CANARY?tail@127.0.0.1/db",
        "postgresql://me@CANARY:pw@127.0.0.1/db",
    ],
)
def test_se02_a_bare_at_sign_in_a_password_is_refused(address: str) -> None:
    with pytest.raises(LogError) as caught:
        read_address(address)
    assert str(caught.value) == (
        "the address of the prediction log's database has more than one '@'; write an '@' in a "
        "user name or password as %40"
    )


@pytest.mark.parametrize("address", ["CANARY", "postgresql://me:pw@host:CANARY/db"])
def test_se02_an_address_that_cannot_be_read_is_not_repeated(address: str) -> None:
    with pytest.raises(LogError, match="cannot be read; write sqlite:") as caught:
        read_address(address)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "CANARY" not in str(caught.value)


def test_an_error_is_named_by_class_and_code() -> None:
    class Full(sqlite3.OperationalError):
        sqlite_errorname = "SQLITE_FULL"

    state = psycopg.errors.InvalidPassword("CANARY")
    assert describe_failure(state) == "InvalidPassword, 28P01"
    assert describe_failure(sa.exc.OperationalError("SELECT", {}, Full("x"))) == "Full, SQLITE_FULL"
    assert describe_failure(psycopg.OperationalError("CANARY")) == "OperationalError"
    denied = PermissionError(13, "Permission denied", "/CANARY")
    assert describe_failure(denied) == "PermissionError, Permission denied"


def test_se02_the_log_of_a_database_that_is_down_says_no_secret(
    make_log: MakeLog, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    log = make_log("postgresql://CANARY1:CANARY2@127.0.0.1:1/CANARY3?sslpassword=CANARY4")
    log.put(make_record())
    wait_until(lambda: log.status.state == "degraded")
    assert "takes nothing now: OperationalError" in caplog.text
    assert "CANARY" not in caplog.text + log.status.detail
