"""Which images are chosen for review, and the folder they come in."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fake_bundle import encode_image, solid_image
from vision.datasets.problems import Problems
from vision.datasets.read_table import scan_table
from vision.errors import VisionError
from vision.monitoring.candidates import REASONS, Candidate
from vision.monitoring.earlier_batches import Reviewed
from vision.monitoring.k_centre import Spread
from vision.monitoring.review import choose_review, write_review

pytestmark = pytest.mark.unit


def candidate(number: int, **values: Any) -> Candidate:
    plain: dict[str, Any] = {
        "request_id": f"r{number:04d}",
        "time": datetime(2026, 11, 20, 12, tzinfo=UTC),
        "label": "red",
        "probability": 0.5,
        "margin": 0.1,
        "distance": 2.0,
        "true_labels": (),
        "image": f"2026-11-20/r{number:04d}.png",
        "embedding": np.array([number, 0.0], np.float32),
        "reasons": ("drifted",),
    }
    return Candidate(**{**plain, **values})


def numbers(chosen: tuple[Candidate, ...]) -> list[int]:
    return [int(each.request_id[1:]) for each in chosen]


def test_k_centre_on_a_grid() -> None:
    """From one corner of a square: the other corner, the other two, then the middle."""
    grid = np.array([[x, y] for x in range(5) for y in range(5)], float)
    spread = Spread(grid)
    spread.pick(0)
    places = np.arange(25)
    order = []
    for _ in range(4):
        place = spread.furthest(places)
        assert place is not None
        order.append(tuple(grid[place].astype(int).tolist()))
        spread.pick(place)
    assert order == [(4, 4), (0, 4), (4, 0), (2, 2)]
    # Greedy k-centre covers at most twice as widely as the best five centres, which reach 2.0.
    assert spread.distances.max() <= 2 * 2.0


def test_k_centre_ends_at_copies() -> None:
    spread = Spread(np.zeros((3, 2)))
    spread.pick(0)
    assert spread.furthest(np.arange(3)) is None
    assert spread.furthest(np.array([], np.int64)) is None


def test_chosen_are_spread() -> None:
    """90 candidates in one heap and ten elsewhere: the ten are all chosen among twelve."""
    rng = np.random.default_rng(0)
    heap = [
        candidate(n, embedding=rng.normal(0, 1.0, 2).astype(np.float32), distance=5.0)
        for n in range(90)
    ]
    apart = [
        candidate(90 + n, embedding=np.array([50.0 * (n + 1), 0], np.float32), distance=6.0)
        for n in range(10)
    ]
    chosen = choose_review([*heap, *apart], 12)
    assert set(range(90, 100)) <= set(numbers(chosen))


def test_every_reason_has_its_part() -> None:
    points = np.random.default_rng(0).normal(0.0, 1.0, (400, 8)).astype(np.float32)
    many = [candidate(n, reasons=(REASONS[n % 4],), embedding=points[n]) for n in range(400)]
    chosen = choose_review(many, 40)
    assert Counter(each.reasons for each in chosen) == {(reason,): 10 for reason in REASONS}
    assert {each.reasons for each in chosen[:10]} == {("random",)}
    assert numbers(chosen) == numbers(choose_review(many, 40))


def test_the_random_part_is_in_order_of_the_lots() -> None:
    rng = np.random.default_rng(0)
    lots = rng.random(50)
    many = [candidate(n, reasons=("unsure", "random"), lot=lots[n]) for n in range(50)]
    chosen = choose_review(many, 20)
    assert numbers(chosen[:5]) == np.argsort(-lots)[:5].tolist()
    # What was chosen for being hard is not called random, or nobody could count on those that are.
    assert [each.reasons for each in chosen] == [("unsure", "random")] * 5 + [("unsure",)] * 15


def test_the_random_part_is_fair() -> None:
    """A tenth of the predictions is hard, and so is a tenth of the random part."""
    rng = np.random.default_rng(3)
    shares = []
    for _ in range(40):
        hard = rng.random(200) < 0.1
        lots = rng.random(200)
        many = [
            candidate(n, reasons=("unsure", "random") if hard[n] else ("random",), lot=lots[n])
            for n in range(200)
        ]
        drawn = [each for each in choose_review(many, 80) if "random" in each.reasons]
        shares.append(np.mean([hard[place] for place in numbers(tuple(drawn))]))
    assert len(drawn) == 20
    assert np.mean(shares) == pytest.approx(0.1, abs=0.03)


def test_a_missing_reason_leaves_room_for_the_others() -> None:
    assert len(choose_review([candidate(n) for n in range(30)], 20)) == 20


def test_copies_are_left_out() -> None:
    heap = [candidate(n, embedding=np.array([n // 10, 0.0], np.float32)) for n in range(60)]
    chosen = choose_review(heap, 60)
    assert len(chosen) == len({float(each.embedding[0]) for each in chosen}) == 6


def test_of_identical_images_one_is_drawn_at_random() -> None:
    """Forty copies of one image, which a loop sends, among eight others."""
    loop = [candidate(n, embedding=np.array([100.0, 0.0]), lot=0.9) for n in range(40)]
    others = [candidate(40 + n, embedding=np.array([n, 1.0]), lot=0.1 * n) for n in range(8)]
    many = [replace(each, reasons=("random",)) for each in (*loop, *others)]
    # Its copies sent in a batch of another size, whose last digits differ.
    many[1] = replace(many[1], embedding=np.array([100.0 + 1e-5, 0.0]))

    assert numbers(choose_review(many, 16)) == [0, 47, 46, 45]


def test_those_without_image_are_left_out_where_others_have_one() -> None:
    many = [candidate(n, image=None if n % 2 else "a.png") for n in range(10)]
    assert all(each.image for each in choose_review(many, 10))
    unseen = [candidate(n, image=None) for n in range(10)]
    assert len(choose_review(unseen, 10)) == 10


def test_what_people_have_said_is_not_asked_again() -> None:
    """Of day 8's images most have a label from feedback."""
    many = [
        candidate(
            n, true_labels=("red",) if n < 88 else (), reasons=(("drifted", "unsure")[n % 2],)
        )
        for n in range(100)
    ]
    assert sorted(numbers(choose_review(many, 40))) == list(range(88, 100))


def test_what_people_said_otherwise_or_in_two_ways_is_looked_at() -> None:
    many = [
        candidate(0, true_labels=("blue",), reasons=("drifted", "disagrees")),
        candidate(1, true_labels=("blue", "red"), reasons=("drifted",)),
        candidate(2, true_labels=("red",), reasons=("unsure", "random")),
        candidate(3, true_labels=("red",), reasons=("unsure",)),
    ]
    chosen = {each.request_id: each.reasons for each in choose_review(many, 40)}
    assert chosen == {"r0000": ("disagrees",), "r0001": ("drifted",), "r0002": ("random",)}


def test_what_an_earlier_batch_had_is_not_picked_again() -> None:
    many = [candidate(n) for n in range(20)]
    first = choose_review(many, 8)
    reviewed = Reviewed(picked=frozenset(each.request_id for each in first))
    second = choose_review(many, 20, reviewed)
    assert sorted((*numbers(first), *numbers(second))) == list(range(20))


def test_the_random_part_draws_nothing_twice_and_stays_fair() -> None:
    """A tenth is hard and was picked before, and is a tenth of the random part nevertheless."""
    rng = np.random.default_rng(4)
    shares = []
    for _ in range(40):
        lots = rng.random(200)
        many = [
            candidate(n, reasons=("unsure", "random") if n < 20 else ("random",), lot=lots[n])
            for n in range(200)
        ]
        before = frozenset(f"r{n:04d}" for n in np.argsort(-lots)[:20].tolist())
        hard = frozenset(f"r{n:04d}" for n in range(20)) - before
        chosen = choose_review(many, 80, Reviewed(before, hard))
        assert len(chosen) == 20
        assert not before & {each.request_id for each in chosen}
        shares.append(np.mean([place < 20 for place in numbers(chosen)]))
    assert np.mean(shares) == pytest.approx(0.1, abs=0.03)


def test_nothing_to_choose_from() -> None:
    assert choose_review([], 10) == ()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    (folder / "2026-11-20").mkdir(parents=True)
    for number, colour in enumerate(("red", "green", "blue")):
        file = folder / f"2026-11-20/r{number:04d}.png"
        file.write_bytes(encode_image(solid_image(colour)))
    return folder


def write(tmp_path: Path, images: Path | None, *chosen: Candidate) -> Path:
    return write_review(
        tmp_path / "reviews/one", chosen, name="colours", version="v1", images=images
    )


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_labelled_batch_is_an_annotation_table(tmp_path: Path, kept: Path) -> None:
    chosen = [candidate(n, true_labels=("blue",), reasons=("drifted", "unsure")) for n in range(3)]
    table = write(tmp_path, kept, *chosen)
    found = rows(table)
    assert [row["label"] for row in found] == ["", "", ""]
    assert found[0] == {
        "file": "images/00001.png",
        "label": "",
        "predicted": "red",
        "probability": "0.5000",
        "why": "drifted unsure",
        "feedback": "blue",
        "time": "2026-11-20T12:00:00+00:00",
        "request_id": "r0000",
        "version": "v1",
    }
    for row, label in zip(found, ("red", "green", ""), strict=True):
        row["label"] = label
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    problems = Problems()
    listing = scan_table(table, problems)
    assert [(one.path, one.label) for one in listing.images] == [
        ("images/00001.png", "red"),
        ("images/00002.png", "green"),
    ]
    assert listing.task == "multiclass"
    assert f"run.py data import {table}" in (table.parent / "README.txt").read_text()


@pytest.mark.security
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula_and_labels_are_read_as_they_were_written(
    tmp_path: Path, kept: Path, start: str
) -> None:
    told = f"{start}HYPERLINK(1)"
    one = candidate(0, label=told, true_labels=(told, "red"), request_id=f"{start}r")
    table = write(tmp_path, kept, one, candidate(1, true_labels=("a=b",)))
    found = rows(table)
    cells = [found[0][name] for name in ("predicted", "feedback", "request_id")]
    assert cells == [f"'{told}", f"'{told}|red", f"'{start}r"]
    assert found[1]["feedback"] == "a=b"

    label = f"{start.strip()}1 eye"
    found[0]["label"] = label
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    listing = scan_table(table, Problems())
    assert [(one.path, one.label) for one in listing.images] == [("images/00001.png", label)]


def test_a_batch_is_never_overwritten(tmp_path: Path, kept: Path) -> None:
    table = write(tmp_path, kept, candidate(0))
    table.write_text("labelled")
    with pytest.raises(VisionError, match="exists, and may have been labelled"):
        write(tmp_path, kept, candidate(0))
    assert table.read_text() == "labelled"


def test_a_failed_batch_leaves_nothing(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object, row: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vision.monitoring.review_files.csv.DictWriter.writerow", fail)
    with pytest.raises(VisionError, match="No space left on device"):
        write(tmp_path, kept, candidate(0))
    assert list((tmp_path / "reviews").iterdir()) == []


def test_without_images_there_are_request_ids(tmp_path: Path) -> None:
    table = write(tmp_path, None, candidate(0, image=None), candidate(1, image=None))
    found = rows(table)
    assert [row["request_id"] for row in found] == ["r0000", "r0001"]
    assert "file" not in found[0]
    assert "VISIONSTACK_LOG_IMAGES=0.1" in (table.parent / "README.txt").read_text()
    assert sorted(path.name for path in table.parent.iterdir()) == ["README.txt", "review.csv"]


def test_images_that_went_and_places_outside(tmp_path: Path, kept: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"secret")
    (kept / "link.png").symlink_to(tmp_path / "secret.png")
    outside = ("../secret.png", str(tmp_path / "secret.png"), "link.png", "2026-11-20", "a\0b")
    chosen = [candidate(10 + n, image=image) for n, image in enumerate(outside)]
    table = write(tmp_path, kept, candidate(0), candidate(9), *chosen)
    assert [row["request_id"] for row in rows(table)] == ["r0000"]
    assert [path.name for path in (table.parent / "images").iterdir()] == ["00001.png"]
