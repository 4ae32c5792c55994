"""The shared window: what is written comes back in order, and nothing torn does."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import zlib
from pathlib import Path

import numpy as np
import pytest

from serving.drift.making import layout_of, make_rows
from serving.drift.rows import Layout, Rows, as_drift_rows
from serving.drift.window import FILE, Window, WindowBusyError, read_window
from serving.log.measuring import measures_of
from tests.drift_bundle import make_rows as oracle_rows
from tests.serving.drift.samples import predictions
from vision.bundles.load import ServingModel
from vision.drift.backend import open_backend
from vision.drift.names import PROPERTIES, VIEWS

pytestmark = pytest.mark.unit

LAYOUT = Layout(2, 3, 4)
HEAD_BYTES = 64


def rows(first: int, n: int) -> Rows:
    made: Rows = np.zeros(n, LAYOUT.dtype)
    made["uae"] = np.arange(first, first + n)[:, None]
    made["request"] = [f"r{index}".encode() for index in range(first, first + n)]
    return made


def kept(folder: Path) -> list[int]:
    found, _ = read_window(folder / FILE)
    return [int(value) for value in found["uae"][:, 0]]


def spoil(path: Path, at: int, value: bytes = b"\xff") -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(value)


def test_a_prediction_comes_back_as_the_detectors_would_see_it(
    tmp_path: Path, model: ServingModel
) -> None:
    records = predictions(model, 30)
    layout = layout_of(records[0])
    assert layout == Layout(3, 3, 3)
    window = Window(tmp_path, 50)
    window.append(make_rows(records, layout), layout)
    found, n_written = read_window(window.path)
    images = np.stack([record.pixels for record in records])
    expected = oracle_rows(model, images)
    for view in VIEWS:
        np.testing.assert_allclose(as_drift_rows(found).view(view), expected.view(view), 1e-6)
    assert as_drift_rows(found).properties.shape == (30, len(PROPERTIES))
    assert n_written == 30
    assert bytes(found["request"][7]) == b"r00007"
    assert found["time"][7] == records[7].time.timestamp()


@pytest.mark.parametrize("batch", [1, 3, 7, 10, 25])
def test_the_newest_stay_in_order(tmp_path: Path, batch: int) -> None:
    window = Window(tmp_path, 10)
    for first in range(0, 50, batch):
        window.append(rows(first, batch), LAYOUT)
        end = first + batch
        assert kept(tmp_path) == list(range(max(0, end - 10), end))
        assert window.n_written() == end


def test_another_process_goes_on_where_one_has_ended(tmp_path: Path) -> None:
    Window(tmp_path, 10).append(rows(0, 8), LAYOUT)
    again = Window(tmp_path, 10)
    again.append(rows(8, 4), LAYOUT)
    assert kept(tmp_path) == list(range(2, 12))


@pytest.mark.parametrize("byte", [0, 5, 9, 30, 110, -1])
def test_a_torn_row_is_passed_over(tmp_path: Path, byte: int) -> None:
    window = Window(tmp_path, 10)
    window.append(rows(0, 6), LAYOUT)
    size = LAYOUT.dtype.itemsize
    spoil(window.path, HEAD_BYTES + 3 * size + byte % size)
    assert kept(tmp_path) == [0, 1, 2, 4, 5]
    window.append(rows(6, 2), LAYOUT)
    assert kept(tmp_path) == [0, 1, 2, 4, 5, 6, 7]


def test_a_writer_that_was_killed_before_it_counted_costs_its_rows(tmp_path: Path) -> None:
    window = Window(tmp_path, 10)
    window.append(rows(0, 4), LAYOUT)
    before = window.path.read_bytes()[:HEAD_BYTES]
    window.append(rows(90, 3), LAYOUT)
    spoil(window.path, 0, before)
    window.append(rows(4, 1), LAYOUT)
    assert kept(tmp_path) == [0, 1, 2, 3, 4, 91, 92]
    window.append(rows(5, 2), LAYOUT)
    assert kept(tmp_path) == list(range(7))


def test_a_damaged_count_is_counted_again(tmp_path: Path) -> None:
    window = Window(tmp_path, 10)
    window.append(rows(0, 14), LAYOUT)
    spoil(window.path, 30)
    assert window.n_written() == -1
    window.append(rows(14, 1), LAYOUT)
    assert window.n_written() == 15
    assert kept(tmp_path) == list(range(5, 15))


@pytest.mark.parametrize("damage", ["empty", "short", "head", "text"])
def test_a_file_that_is_no_window_is_begun_anew(tmp_path: Path, damage: str) -> None:
    window = Window(tmp_path, 10)
    window.append(rows(0, 5), LAYOUT)
    if damage == "head":
        spoil(window.path, 9)
    else:
        window.path.write_bytes({"empty": b"", "short": b"vsdrift2", "text": b"x" * 999}[damage])
    assert window.n_written() == 0
    assert len(read_window(window.path)[0]) == 0
    window.append(rows(5, 2), LAYOUT)
    assert kept(tmp_path) == [5, 6]


def test_other_vectors_or_another_capacity_begin_it_anew(tmp_path: Path) -> None:
    Window(tmp_path, 10).append(rows(0, 5), LAYOUT)
    other = Window(tmp_path, 20)
    assert other.n_written() == 0
    other.append(rows(5, 1), LAYOUT)
    assert kept(tmp_path) == [5]
    wider = Layout(2, 3, 5)
    made = np.zeros(1, wider.dtype)
    other.append(made, wider)
    assert read_window(other.path)[1] == 1


def test_a_file_that_was_removed_is_made_again(tmp_path: Path) -> None:
    window = Window(tmp_path / "new", 10)
    window.append(rows(0, 5), LAYOUT)
    window.path.unlink()
    window.path.parent.rmdir()
    assert window.n_written() == 0
    window.append(rows(5, 1), LAYOUT)
    assert kept(tmp_path / "new") == [5]


def test_a_writer_does_not_wait_for_another(tmp_path: Path) -> None:
    window = Window(tmp_path, 10)
    window.append(rows(0, 1), LAYOUT)
    handle = os.open(window.path, os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(WindowBusyError):
        window.append(rows(1, 1), LAYOUT)
    os.close(handle)
    window.append(rows(1, 1), LAYOUT)
    assert kept(tmp_path) == [0, 1]


def test_the_room_is_taken_when_the_file_is_made(tmp_path: Path) -> None:
    window = Window(tmp_path, 500)
    window.append(rows(0, 1), LAYOUT)
    status = window.path.stat()
    assert status.st_size == HEAD_BYTES + 500 * LAYOUT.dtype.itemsize
    assert status.st_blocks * 512 >= status.st_size
    assert status.st_mode & 0o777 == 0o600


def test_the_checksum_is_that_of_the_bytes_behind_it(tmp_path: Path) -> None:
    window = Window(tmp_path, 10)
    window.append(rows(0, 1), LAYOUT)
    row = window.path.read_bytes()[HEAD_BYTES : HEAD_BYTES + LAYOUT.dtype.itemsize]
    assert int.from_bytes(row[:4], "little") == zlib.crc32(row[4:])


def _write(folder: Path, first: int) -> None:
    window = Window(folder, 400)
    for index in range(first, first + 100):
        while True:
            try:
                window.append(rows(index, 1), LAYOUT)
                break
            except WindowBusyError:
                continue


def test_two_processes_write_every_row_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(tmp_path, 100 * k)) for k in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    found = kept(tmp_path)
    assert sorted(found) == list(range(200))
    assert [each for each in found if each < 100] == list(range(100))


def test_a_file_of_the_format_before_is_begun_anew(tmp_path: Path) -> None:
    window = Window(tmp_path, 10)
    window.append(rows(0, 5), LAYOUT)
    data = window.path.read_bytes()
    head = data[:24].replace(b"vsdrift2", b"vsdrift1")
    window.path.write_bytes(head + zlib.crc32(head).to_bytes(4, "little") + data[28:])
    assert window.n_written() == 0
    assert len(read_window(window.path)[0]) == 0
    window.append(rows(5, 2), LAYOUT)
    assert kept(tmp_path) == [5, 6]


def test_images_that_are_alike_are_no_drift(tmp_path: Path, model: ServingModel) -> None:
    # Of all frames 30 % are blank: one value, which is no float32.
    records = predictions(model, 100)
    layout = layout_of(records[0])
    measures = [measures_of(record) or {} for record in records]
    reference = np.array([[row[name] for name in PROPERTIES] for row in measures])
    made = make_rows(records, layout)
    for rows_of in (reference, made["properties"]):
        rows_of[:30] = 0.8
    window = Window(tmp_path, 100)
    window.append(made, layout)
    found = as_drift_rows(read_window(window.path)[0]).properties
    np.testing.assert_array_equal(found, reference)
    tester = open_backend("scipy").columns("ks", reference)
    assert tester.test(found).p_values.tolist() == [1.0] * len(PROPERTIES)
    rounded = found.astype(np.float32).astype(np.float64)
    assert tester.test(rounded).p_values.min() < 0.01
