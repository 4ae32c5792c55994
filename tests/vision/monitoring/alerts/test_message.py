"""What people read: one subject line, what moved, what to do, and where to look."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.vision.monitoring.alerts.conftest import CHANGE
from vision.monitoring.alerts.message import write_message

pytestmark = pytest.mark.unit


def test_a_change_is_told_with_all_that_helps() -> None:
    message = write_message(CHANGE)

    assert message.subject == "digits 20261121-190000-0a1b2c3d: drift"
    assert message.text == (
        "Model digits, version 20261121-190000-0a1b2c3d: drift, before: ok.\n"
        "What moved: uae, properties.\n"
        "Next: look at the images in the report; if they are wanted, label them & retrain.\n"
        "Found at 2026-11-21 19:30 UTC.\n"
        "Report: https://zenml.example.org/runs/7?a=1&b=2"
    )
    assert not message.is_good


@pytest.mark.parametrize(
    ("now", "said", "is_good"),
    [
        ("ok", "ok", True),
        ("drift", "drift", False),
        ("too_few", "too few predictions", False),
        ("no_traffic", "no traffic", False),
        ("error", "monitoring failed", False),
    ],
)
def test_every_verdict_has_words(now: str, said: str, is_good: bool) -> None:
    message = write_message(replace(CHANGE, now=now, before=None, moved=(), next_move="", link=""))

    assert message.text.splitlines() == [
        f"Model digits, version 20261121-190000-0a1b2c3d: {said}.",
        "Found at 2026-11-21 19:30 UTC.",
    ]
    assert message.is_good is is_good


def test_a_report_in_a_file_is_named_and_is_no_link() -> None:
    message = write_message(replace(CHANGE, link="reports/monitoring.html"))

    assert message.link == ""
    assert message.text.endswith("\nReport: reports/monitoring.html")


def test_nothing_in_it_begins_a_line_of_its_own() -> None:
    hostile = replace(CHANGE, version="v\r\nBcc: all@example.org", moved=("a\u2028b", "x" * 5000))

    message = write_message(hostile)

    assert message.subject == "digits v\\r\\nBcc: all@example.org: drift"
    assert len(message.text.splitlines()) == 5
    assert max(map(len, message.lines)) == 1000
