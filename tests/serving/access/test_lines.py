"""Tests of serving/access/lines.py."""

import logging

import pytest

from serving.access.lines import OneLine


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/predict", "/predict"),
        ("/x\r\n2026-01-01 [INFO] all is well", r"/x\r\n2026-01-01 [INFO] all is well"),
        ("/\x1b[2J", r"/\x1b[2J"),
        ("/\u202egnp.exe", r"/\u202egnp.exe"),
        ("/\udcff", r"/\udcff"),
        ("/é/日本", "/é/日本"),
    ],
)
def test_in12_one_request_is_one_line(path: str, logged: str) -> None:
    record = logging.makeLogRecord({"msg": "%s %d", "args": (f"path={path}", 200)})
    assert OneLine().filter(record)
    assert record.getMessage() == f"path={logged} 200"
    assert len(record.getMessage().splitlines()) == 1


def test_long_paths_are_cut() -> None:
    record = logging.makeLogRecord({"msg": "%s", "args": ("/" + "x" * 60_000,)})
    OneLine().filter(record)
    assert len(record.getMessage()) == 503


def test_other_records_pass_as_they_are() -> None:
    for args in ((), None, ({"a": "b\n"},)):
        record = logging.makeLogRecord({"msg": "x", "args": args})
        assert OneLine().filter(record)
        assert record.args == args
