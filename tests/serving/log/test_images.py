"""Images are kept by share, budget and age, and never fail a record."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from serving.log.images import ImageFolder, ImagePolicy, is_chosen, list_images
from tests.fake_bundle import encode_image
from tests.serving.log.conftest import MOMENT, make_record
from tests.vanishing import vanish_when_listed
from vision.images.decode import decode_image

pytestmark = pytest.mark.unit

PIXELS = np.random.default_rng(0).integers(0, 255, (32, 32, 3)).astype(np.uint8)
DATA = encode_image(PIXELS)
NOW = MOMENT.timestamp()


class Clock:
    """Stands for the time."""

    now = NOW

    def __call__(self) -> float:
        return self.now


def make_folder(
    path: Path, share: float = 1.0, max_bytes: int = 10**9, clock: Clock | None = None
) -> ImageFolder:
    return ImageFolder(path / "images", ImagePolicy(share, max_bytes, 30.0), clock or Clock())


def keep(folder: ImageFolder, request_id: str) -> str | None:
    return folder.keep(make_record(request_id, pixels=PIXELS, data=DATA))


def test_an_image_lies_in_the_folder_of_its_day(tmp_path: Path) -> None:
    assert keep(make_folder(tmp_path), "r-0") == "2026-01-31/r-0.png"
    [file] = (tmp_path / "images" / "2026-01-31").iterdir()
    assert np.array_equal(decode_image(file.read_bytes()), PIXELS)


def test_a_day_that_vanishes_keeps_nobody_from_removing_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(make_folder(tmp_path), "r-0")
    vanish_when_listed(monkeypatch, tmp_path / "images" / "2026-01-30")
    [(_, _, path)] = list_images(tmp_path / "images")
    assert path.name == "r-0.png"
    assert not (tmp_path / "images" / "2026-01-30").exists()


@pytest.mark.parametrize(
    "request_id", ["../../etc/passwd", "a/b", "", ".", "a\0b", "\ud800", "x" * 300]
)
def test_no_request_id_leads_out_of_the_folder(request_id: str, tmp_path: Path) -> None:
    name = keep(make_folder(tmp_path), request_id)
    assert name is not None
    assert len(Path(name).stem) == 64
    assert [path.name for path in tmp_path.rglob("*.png")] == [Path(name).name]


def test_the_share_is_kept_and_the_same_requests_each_time() -> None:
    ids = [f"{index:032x}" for index in range(4000)]
    chosen = [request_id for request_id in ids if is_chosen(request_id, 0.25)]
    assert 900 < len(chosen) < 1100
    assert set(chosen) == {request_id for request_id in ids if is_chosen(request_id, 0.25)}
    assert not any(is_chosen(request_id, 0.0) for request_id in ids)


def test_nothing_is_made_where_no_image_is_kept(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, share=0.0)
    assert keep(folder, "r0") is None
    folder.clean()
    assert not (tmp_path / "images").exists()


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    budget = 10 * len(DATA)
    folder = make_folder(tmp_path, max_bytes=budget)
    for index in range(30):
        name = keep(folder, f"r{index:02d}")
        assert name is not None
        os.utime(tmp_path / "images" / name, (NOW + index, NOW + index))
        files = list((tmp_path / "images").rglob("*.png"))
        assert sum(file.stat().st_size for file in files) <= budget
    kept = sorted(path.stem for path in (tmp_path / "images").rglob("*.png"))
    assert kept == [f"r{index:02d}" for index in range(30 - len(kept), 30)]
    assert len(kept) >= 9


def test_an_image_larger_than_all_may_be_is_not_kept(tmp_path: Path) -> None:
    assert keep(make_folder(tmp_path, max_bytes=len(DATA) - 1), "r0") is None


def test_what_is_too_old_goes_with_its_folder(tmp_path: Path) -> None:
    clock = Clock()
    folder = make_folder(tmp_path, clock=clock)
    for days in (0, 20, 31):
        record = make_record(f"r{days}", pixels=PIXELS, data=DATA, time=MOMENT - timedelta(days))
        name = folder.keep(record)
        assert name is not None
        then = NOW - days * 86_400
        os.utime(tmp_path / "images" / name, (then, then))
    folder.clean()
    days_left = sorted(path.name for path in (tmp_path / "images").iterdir())
    assert days_left == ["2026-01-11", "2026-01-31"]
    clock.now += 11 * 86_400
    folder.clean()
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["2026-01-31"]


def test_a_disk_that_takes_no_image_costs_only_the_image(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("in the way")
    folder = make_folder(tmp_path)
    assert keep(folder, "r0") is None
    (tmp_path / "images").unlink()
    assert keep(folder, "r1") == "2026-01-31/r1.png"
