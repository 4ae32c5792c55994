"""What a person is told about the second of two passports."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.vision.drift.power_samples import SEEN, make_table
from tests.vision.passport.samples import (
    SBOM,
    bare_passport,
    make_comparison,
    make_evaluation,
    whole_passport,
    whole_sources,
)
from vision.comparison.judge import Cost
from vision.passport.diff import diff_passports
from vision.passport.make import make_passport
from vision.passport.passport import Passport
from vision.provenance import CodeVersion
from vision.validation.report import Gate

pytestmark = pytest.mark.unit


@pytest.fixture
def passport(tmp_path: Path) -> Passport:
    return whole_passport(tmp_path)


def changed(passport: Passport, part: str, **values: Any) -> Passport:
    """Returns the passport with other values in one part."""
    updated = getattr(passport, part).model_copy(update=values)
    return passport.model_copy(update={part: updated})


def told(before: Passport, after: Passport) -> list[tuple[str, str]]:
    return [(each.sentence, each.effect) for each in diff_passports(before, after)]


def test_a_passport_does_not_differ_from_itself(passport: Passport, tmp_path: Path) -> None:
    assert told(passport, passport) == []
    bare = bare_passport(tmp_path)
    assert told(bare, bare) == []


def test_another_version_of_the_same_is_no_news(passport: Passport) -> None:
    other = passport.model_copy(update={"version": "v9", "created_at": passport.model.made_at})
    other = changed(other, "model", manifest_sha256="1" * 64, tracking_run="run2")
    assert told(passport, other) == []


def test_metrics_have_a_direction(tmp_path: Path, passport: Passport) -> None:
    better = make_evaluation(((40, 0, 0), (0, 30, 0), (1, 0, 29)))
    after = make_passport(replace(whole_sources(tmp_path / "two"), evaluation=better))
    found = dict(told(passport, after))
    assert found["accuracy rises from 0.9000 to 0.9900; the intervals do not overlap"] == "better"
    back = dict(told(after, passport))
    assert back["accuracy falls from 0.9900 to 0.9000; the intervals do not overlap"] == "worse"
    assert "recall of 3 classes differs by what may be chance" in found


def test_a_class_that_collapses_is_named(tmp_path: Path, passport: Passport) -> None:
    worse = make_evaluation(((38, 2, 0), (0, 27, 3), (25, 0, 5)))
    after = make_passport(replace(whole_sources(tmp_path / "two"), evaluation=worse))
    assert ("recall of 'blue' falls from 0.8333 to 0.1667", "worse") in told(passport, after)


def test_another_revision_of_the_data_is_told(passport: Passport) -> None:
    after = changed(passport, "data", revision="v2", digest="1" * 64, splits={"train": 90})
    [digest] = [passport.data.digest]
    assert told(passport, after) == [
        ("the revision was v1.2, and is v2", "other"),
        (f"the digest was {digest}, and is {'1' * 64}", "other"),
        ("images of test falls from 10 to 0", "other"),
        ("images of train rises from 60 to 90", "other"),
    ]


def test_other_code_is_told(tmp_path: Path, passport: Passport) -> None:
    code = CodeVersion(commit="a" * 40, is_dirty=True, patch="+x")
    after = make_passport(replace(whole_sources(tmp_path / "two"), code=code))
    found = [sentence for sentence, _ in told(passport, after)]
    assert found == [
        f"the code that serves was {passport.packed_with.commit}, and is {'a' * 40}",
        "what the code that serves has in no commit was nothing, and is some changes",
    ]
    patched = changed(passport, "trained_with", patch="+something else")
    assert told(passport, patched) == [
        ("the code of the training has other changes that are in no commit", "other")
    ]


def test_packages_come_go_and_change(tmp_path: Path, passport: Passport) -> None:
    numpy, scipy, odd, _ = (dict(each) for each in SBOM["components"])  # type: ignore[call-overload]
    numpy["version"] = "2.0.0"
    scipy["licenses"] = [{"license": {"id": "MIT"}}]
    new = {"name": "onnx", "version": "1.17"}
    listed = json.dumps({**SBOM, "components": [numpy, scipy, odd, new]}).encode()
    after = make_passport(replace(whole_sources(tmp_path / "two"), sbom=listed))
    assert [sentence for sentence, _ in told(passport, after)] == [
        "new package onnx 1.17",
        "package silent is gone",
        "package numpy was 1.26.4, and is 2.0.0",
        "the licence of scipy was BSD-3-Clause, and is MIT",
    ]


def test_gates_are_judged_anew(passport: Passport) -> None:
    failed = Gate(name="accuracy", passed=False, value=0.7, rule=">= 0.8")
    new = Gate(name="auc", passed=True, value=0.9, rule=">= 0.5")
    after = changed(passport, "evaluation", gates=(failed, new))
    assert told(passport, after) == [
        ("new gate auc >= 0.5", "other"),
        ("gate accuracy is not passed any more: accuracy = 0.7, required >= 0.8", "worse"),
    ]


def test_what_became_slower_or_larger_is_worse(passport: Passport) -> None:
    slow = make_comparison(costs=(Cost(latency_ms=3.0, memory_mb=40.5),))
    after = passport.model_copy(update={"comparison": slow})
    after = changed(after, "image", n_bytes=500_000_000, cold_start_s=4.51)
    assert told(passport, after) == [
        ("the latency of an image rises from 1.50 ms to 3.00 ms", "worse"),
        ("the image falls from 612.0 MB to 500.0 MB", "better"),
    ]


def test_classes_come_and_go(passport: Passport) -> None:
    after = changed(passport, "model", classes=("red", "green", "white", "black"))
    assert [sentence for sentence, _ in told(passport, after)] == [
        "new 2 classes: white, black",
        "1 class gone: blue",
    ]


def test_what_the_drift_check_sees_has_a_direction(passport: Passport) -> None:
    table = make_table()
    entries = tuple(
        each.model_copy(update={"share": SEEN[0][table.sizes.index(each.size)]})
        if (each.kind, each.severity) == ("jpeg", 3)
        else each.model_copy(update={"share": 0.5})
        if (each.kind, each.severity) == ("blur", 1)
        else each
        for each in table.entries
    )
    after = passport.model_copy(update={"power": table.model_copy(update={"entries": entries})})
    assert told(passport, after) == [
        ("blur 1 was seen after 100 images, and is not seen", "worse"),
        ("jpeg 3 was not seen, and is seen after 50 images", "better"),
    ]


def test_what_is_not_known_any_more_is_told(tmp_path: Path, passport: Passport) -> None:
    after = make_passport(replace(whole_sources(tmp_path / "two"), image=None, comparison=None))
    assert [sentence for sentence, _ in told(passport, after)] == [
        "the latency of an image was 1.50 ms, and is not known",
        "the memory of the graph was 40 MB, and is not known",
        "the image was 612.0 MB, and is not known",
        "the cold start of the image was 4.5 s, and is not known",
    ]
    assert "the image was not known, and is 612.0 MB" in dict(told(after, passport))
