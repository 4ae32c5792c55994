"""Lines of a file are whole, whoever else writes and whatever happened before."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from vision.config.alerts import AlertConfig
from vision.monitoring.alerts import file as file_alert
from vision.monitoring.alerts.delivery import NotDelivered
from vision.monitoring.alerts.message import Message

pytestmark = pytest.mark.unit


def _alert(path: Path) -> AlertConfig:
    return AlertConfig(kind="file", path=path)


def test_a_line_of_json_is_added(message: Message, tmp_path: Path) -> None:
    path = tmp_path / "new" / "alerts.jsonl"

    for _ in range(2):
        assert file_alert.add_line(message, _alert(path)) == "added"

    first, second = path.read_text().splitlines()
    assert first == second
    assert json.loads(first)["now"] == "drift"
    assert json.loads(first)["moved"] == ["uae", "properties"]


@pytest.mark.fault
def test_a_torn_line_stays_a_line_of_its_own(message: Message, tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_text('{"subject": "di')

    file_alert.add_line(message, _alert(path))

    torn, whole = path.read_text().splitlines()
    assert torn == '{"subject": "di'
    assert json.loads(whole)["model"] == "digits"


def test_many_writers_mix_no_lines(message: Message, tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    threads = [
        threading.Thread(target=file_alert.add_line, args=(message, _alert(path)))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [json.loads(line)["now"] for line in path.read_text().splitlines()] == ["drift"] * 20


@pytest.mark.fault
def test_a_full_disk_leaves_nothing_half(
    message: Message, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "alerts.jsonl"
    file_alert.add_line(message, _alert(path))
    before = path.read_bytes()
    write, calls = os.write, []

    def fill_up(handle: int, line: bytes) -> int:
        calls.append(line)
        if len(calls) == 1:
            return write(handle, line[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file_alert.os, "write", fill_up)
    with pytest.raises(NotDelivered, match=r"alerts.jsonl cannot be written \(No space left on d"):
        file_alert.add_line(message, _alert(path))

    assert path.read_bytes() == before


@pytest.mark.fault
def test_what_cannot_be_written_is_named(message: Message, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "alerts").mkdir()

    with pytest.raises(NotDelivered, match=r"alerts cannot be written \(Is a directory\)"):
        file_alert.add_line(message, _alert(tmp_path / "alerts"))
    with pytest.raises(NotDelivered, match=r"cannot be written \(not a folder\)"):
        file_alert.add_line(message, _alert(tmp_path / "file" / "alerts.jsonl"))
