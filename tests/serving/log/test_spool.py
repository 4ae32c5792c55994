"""The spool gives back what it took, in order, from a living process and from a dead one."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from serving.log import segment, spool, spools
from serving.log.entry import Entry, describe
from serving.log.spool import Spool
from serving.log.spools import adopt_spools, find_entries, open_spool
from serving.record import CallRecord
from tests.serving.log.conftest import make_record
from tests.vanishing import vanish_when_listed

pytestmark = pytest.mark.unit


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "log" / "spool"


def entries(first: int, number: int) -> list[Entry]:
    return [describe(make_record(f"r{index:04d}")) for index in range(first, first + number)]


def read_all(source: Spool, batch: int = 1000) -> list[str]:
    ids = []
    while (chunk := source.read(batch)) is not None:
        ids += [entry.fields["request_id"] for entry in chunk.entries]
        source.forget(chunk)
    return ids


def ids(first: int, number: int) -> list[str]:
    return [f"r{index:04d}" for index in range(first, first + number)]


def test_what_was_appended_is_read_in_order_and_then_gone(root: Path) -> None:
    made = open_spool(root)
    made.append(entries(0, 5))
    made.append(entries(5, 2))
    assert made.n_waiting == 7
    assert made.waiting_bytes == sum(path.stat().st_size for path in root.glob("*/*.seg"))
    chunk = made.read(3)
    assert chunk is not None
    assert made.read(3) == chunk  # until it is forgotten
    made.forget(chunk)
    assert made.n_waiting == 4
    assert read_all(made, 3) == ids(3, 4)
    assert (made.n_waiting, made.waiting_bytes) == (0, 0)
    made.append(entries(7, 1))
    assert read_all(made) == ids(7, 1)
    made.close()
    assert list(root.iterdir()) == []


def test_predictions_know_their_model_in_every_file(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "_SEGMENT_BYTES", 500)
    made = open_spool(root)
    for number in range(5):
        made.append([describe(make_record(f"r{number}", model_version=f"v{number % 2}"))])
    made.close()
    assert len(list(root.glob("*/*.seg"))) > 1
    [adopted] = adopt_spools(root)
    found = []
    while (chunk := adopted.read(1)) is not None:
        found += [entry.model and entry.model.fields["version"] for entry in chunk.entries]
        adopted.forget(chunk)
    assert found == ["v0", "v1", "v0", "v1", "v0"]
    assert list(root.glob("*/*.seg")) == []
    adopted.close()


def test_the_folder_of_a_living_process_is_left_alone(root: Path) -> None:
    alive = open_spool(root)
    alive.append(entries(0, 1))
    assert adopt_spools(root) == []
    alive.close()
    [adopted] = adopt_spools(root)
    assert adopt_spools(root) == []
    assert adopted.n_waiting == 1
    assert read_all(adopted) == ids(0, 1)
    adopted.close()
    assert list(root.iterdir()) == []


def test_an_empty_folder_of_a_dead_process_is_removed(root: Path) -> None:
    (root / "1-dead").mkdir(parents=True)
    (root / "a file").write_text("of somebody")
    assert adopt_spools(root) == []
    assert [path.name for path in root.iterdir()] == ["a file"]
    assert adopt_spools(root / "none") == []


@pytest.mark.parametrize("tail", [b"Z", b"Z\xa5\x10\0\0\0", b"\0" * 300, b"Z\xa5" * 50])
def test_db05_a_torn_tail_goes_to_quarantine_and_the_rest_is_read(root: Path, tail: bytes) -> None:
    dead = open_spool(root)
    dead.append(entries(0, 20))
    dead.close()
    [path] = root.glob("*/*.seg")
    good = path.stat().st_size
    path.write_bytes(path.read_bytes() + tail)
    [adopted] = adopt_spools(root)
    assert adopted.n_waiting == 20
    assert read_all(adopted, 7) == ids(0, 20)
    assert adopted.n_waiting == 0
    adopted.close()
    [aside] = (root.parent / "quarantine").iterdir()
    assert aside.name == f"{path.parent.name}-00000001-{good}.bin"
    assert aside.read_bytes() == tail
    assert list(root.iterdir()) == []


def test_db05_damage_in_the_middle_costs_what_it_touches(root: Path) -> None:
    dead = open_spool(root)
    dead.append(entries(0, 20))
    dead.close()
    [path] = root.glob("*/*.seg")
    data = bytearray(path.read_bytes())
    data[data.index(b"r0010")] ^= 1
    path.write_bytes(data)
    [adopted] = adopt_spools(root)
    assert read_all(adopted, 3) == ids(0, 10) + ids(11, 9)
    assert adopted.n_waiting == 0
    adopted.close()
    assert len(list((root.parent / "quarantine").iterdir())) == 1


def test_a_write_that_fails_half_way_leaves_nothing_of_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = open_spool(root)
    made.append(entries(0, 3))
    write = os.write

    def full(handle: int, data: Any) -> int:
        if len(data) > 100:
            return write(handle, data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(segment.os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        made.append(entries(3, 3))
    monkeypatch.undo()
    made.append(entries(6, 3))
    assert made.n_waiting == 6
    assert read_all(made) == ids(0, 3) + ids(6, 3)
    made.close()
    assert list(root.iterdir()) == []


def test_a_sync_that_fails_makes_the_same_be_written_elsewhere(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = open_spool(root)

    def broken(handle: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(segment.os, "fdatasync", broken)
    with pytest.raises(OSError, match="Input/output"):
        made.append(entries(0, 3))
    assert (made.n_waiting, made.waiting_bytes) == (0, 0)
    monkeypatch.undo()
    made.append(entries(0, 3))
    assert [path.name for path in root.glob("*/*.seg")] == ["00000002.seg"]
    assert read_all(made) == ids(0, 3)
    made.close()


def test_a_file_that_somebody_removed_does_not_stop_the_rest(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "_SEGMENT_BYTES", 1)
    made = open_spool(root)
    for number in range(3):
        made.append(entries(number, 1))
    (made.folder / "00000002.seg").unlink()
    assert read_all(made) == ["r0000", "r0002"]
    assert (made.n_waiting, made.waiting_bytes) == (0, 0)
    made.close()


def test_entries_of_a_request_are_found_in_every_folder(root: Path) -> None:
    one, other = open_spool(root), open_spool(root)
    one.append([*entries(0, 3), describe(CallRecord("r0001", "GET", "/", 200, 0.1))])
    other.append(entries(1, 1))
    found = list(find_entries(root, "r0001"))
    assert sorted(entry.kind for entry in found) == ["call", "prediction", "prediction"]
    assert all(entry.model for entry in found if entry.kind == "prediction")
    assert list(find_entries(root, "r000")) == []
    one.close()
    other.close()


def test_a_folder_that_vanishes_keeps_no_entry_from_being_found(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = open_spool(root)
    made.append(entries(0, 1))
    vanish_when_listed(monkeypatch, root / "0-another-worker")
    assert [entry.kind for entry in find_entries(root, "r0000")] == ["prediction"]
    assert not (root / "0-another-worker").exists()
    made.close()


def test_a_folder_that_cannot_be_locked_is_not_left_behind(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spools.os, "open", full)
    with pytest.raises(OSError, match="No space left"):
        open_spool(root)
    assert list(root.iterdir()) == []


def test_a_folder_that_cannot_be_read_does_not_keep_others_from_being_adopted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        dead = open_spool(root)
        dead.append(entries(number, 1))
        dead.close()
    refused = sorted(root.iterdir())[0]
    lock = os.open

    def closed(path: Any, *arguments: Any) -> int:
        if Path(path).parent == refused:
            raise PermissionError(errno.EACCES, "Permission denied")
        return lock(path, *arguments)

    monkeypatch.setattr(spools.os, "open", closed)
    [adopted] = adopt_spools(root)
    assert adopted.n_waiting == 1
    adopted.close()
