"""Each section says what its source says, and nothing that it does not."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.vision.passport.samples import (
    COMMIT,
    LOCK,
    PATCH,
    SBOM,
    bare_passport,
    make_annotations,
    make_comparison,
    make_evaluation,
    whole_passport,
    whole_sources,
)
from tests.vision.passport.shipped_samples import make_decision
from vision.bundles.manifest import Lineage
from vision.comparison.paired import Difference
from vision.errors import VisionError
from vision.metrics import per_class_metrics
from vision.packages import ImageResult
from vision.passport.make import make_passport
from vision.passport.packed import approvals_section, image_section
from vision.passport.passport import Passport
from vision.passport.scores import evaluation_section
from vision.passport.sections import (
    code_section,
    comparison_section,
    data_section,
    lock_section,
    sbom_section,
    training_code,
    validation_section,
)
from vision.provenance import CodeVersion
from vision.validation.report import Gate, ValidationReport

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("make", [whole_passport, bare_passport])
def test_a_passport_comes_back_from_json(make, tmp_path: Path) -> None:
    passport = make(tmp_path)
    text = passport.model_dump_json()
    assert Passport.model_validate_json(text) == passport
    assert "NaN" not in text


def test_the_same_sources_make_the_same_passport(tmp_path: Path) -> None:
    sources = whole_sources(tmp_path)
    assert make_passport(sources).model_dump_json() == make_passport(sources).model_dump_json()


def test_a_bare_bundle_says_what_it_knows_and_no_more(tmp_path: Path) -> None:
    told = bare_passport(tmp_path).model_dump()
    unknown = {name for name, value in told.items() if value is None}
    assert unknown == {
        *("lock", "validation", "comparison", "power", "bento", "image", "sbom"),
        *("licences", "approvals", "promotion", "rollout"),
    }
    names = ("commit", "is_dirty", "patch", "files", "note")
    assert told["packed_with"] == dict.fromkeys(names)
    assert told["data"]["splits"] is None
    assert told["evaluation"]["classes"] is None
    [accuracy] = told["evaluation"]["metrics"]
    assert (accuracy["value"], accuracy["low"], accuracy["method"]) == (1.0, None, None)


def test_the_model_is_the_manifests(tmp_path: Path) -> None:
    sources = whole_sources(tmp_path)
    model = make_passport(sources).model
    manifest = (sources.bundle / "manifest.json").read_bytes()
    assert model.manifest_sha256 == hashlib.sha256(manifest).hexdigest()
    files = [path for path in sources.bundle.rglob("*") if path.is_file()]
    assert model.bundle_bytes == sum(path.stat().st_size for path in files) - len(manifest)
    assert model.graph_bytes == (sources.bundle / "serving.onnx").stat().st_size


def test_accuracy_has_wilsons_interval() -> None:
    """Its ends are the shares from which 90 of 100 lie 1.96 standard errors away."""
    found = {each.name: each for each in evaluation_section(make_evaluation()).metrics}
    assert found["accuracy"].value == 0.9
    z2 = 1.959963984540054**2 / 100
    low, high = sorted(np.roots([1 + z2, -1.8 - z2, 0.81]))
    assert (found["accuracy"].low, found["accuracy"].high) == pytest.approx((low, high))
    assert found["auc"].low is None
    assert found["top_3_accuracy"].value is None


def test_macro_f1_has_the_interval_of_a_plain_bootstrap() -> None:
    report = make_evaluation()
    section = evaluation_section(report)
    [found] = [each for each in section.metrics if each.name == "macro_f1"]
    index = {name: number for number, name in enumerate(report.classes)}
    labels, predicted = (
        report.predictions[column].map(index).to_numpy() for column in ("label", "predicted")
    )
    rng = np.random.default_rng(7)
    drawn = []
    for _ in range(250):
        rows = rng.integers(len(labels), size=len(labels))
        scores = per_class_metrics(labels[rows], predicted[rows], report.classes)
        drawn.append(scores["f1"].mean())
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found.method == "bootstrap"
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)
    assert found.low < found.value < found.high


def test_classes_have_their_recalls() -> None:
    red, green, blue = evaluation_section(make_evaluation()).classes or ()
    assert (red.n_images, red.recall, green.recall, blue.recall) == (40, 0.95, 0.9, 25 / 30)
    assert red.precision == 38 / 43
    assert red.low < 0.95 < red.high


def test_a_class_without_images_has_no_recall() -> None:
    *_, blue = evaluation_section(make_evaluation(((5, 0, 0), (0, 5, 0), (0, 0, 0)))).classes or ()
    assert (blue.n_images, blue.recall, blue.low, blue.precision, blue.f1) == (0, *[None] * 4)


def test_images_are_counted_where_they_are_those_of_the_training() -> None:
    table = make_annotations()
    of_training = data_section(Lineage(data_digest=table.digest), table)
    assert of_training.splits == {"test": 10, "train": 60}
    assert data_section(Lineage(data_digest="0" * 64), table).splits is None
    assert data_section(Lineage(), table).splits is None


def test_code_outside_of_git_is_not_known() -> None:
    nowhere = CodeVersion(commit=None, is_dirty=None, patch="")
    assert code_section(nowhere).patch is None
    assert code_section(CodeVersion(COMMIT, is_dirty=False, patch="")).patch == ""
    dirty, clean = (Lineage(git_commit=COMMIT, git_is_dirty=is_it) for is_it in (True, False))
    lost = training_code(dirty, None, "The tracking run is gone.")
    assert (lost.patch, lost.files, lost.note) == (None, None, "The tracking run is gone.")
    kept = training_code(clean, None)
    assert (kept.patch, kept.files, kept.note) == ("", (), None)
    assert training_code(Lineage(), None, "never told").note is None


def test_changes_are_kept_with_their_files() -> None:
    code = training_code(Lineage(git_is_dirty=True), PATCH)
    assert code.patch == PATCH
    assert code.files == ("notes.txt", "run.py")
    assert code.note is None
    served = code_section(CodeVersion(COMMIT, is_dirty=True, patch=PATCH))
    assert (served.patch, served.files) == (code.patch, code.files)


def test_the_lock_is_read(tmp_path: Path) -> None:
    (tmp_path / "service.txt").write_text(LOCK)
    lock = lock_section(tmp_path / "service.txt")
    assert lock.packages == {"numpy": "1.26.4", "scipy": "1.14.1"}
    assert lock.sha256 == hashlib.sha256(LOCK.encode()).hexdigest()
    with pytest.raises(VisionError, match=r"no\.txt cannot be read \(No such file"):
        lock_section(tmp_path / "no.txt")


def test_the_sbom_is_read(tmp_path: Path) -> None:
    document = json.dumps(SBOM).encode()
    found = sbom_section(document)
    assert found.sha256 == hashlib.sha256(document).hexdigest()
    assert found.format == "CycloneDX 1.5"
    assert [(each.name, each.version, each.licences) for each in found.components] == [
        ("numpy", "1.26.4", ("BSD-3-Clause",)),
        ("scipy", "1.14.1", ("BSD-3-Clause",)),
        ("<b>&amp;", "1", ("Own <terms>",)),
        ("silent", None, ()),
    ]


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"components": [3]}'])
def test_what_is_no_sbom_is_refused(document: bytes) -> None:
    with pytest.raises(VisionError, match="is no CycloneDX document"):
        sbom_section(document)


def test_validation_is_counted_and_keeps_no_nan() -> None:
    gate = Gate(name="score", passed=False, value=float("nan"), rule=">= 0.5")
    found = validation_section(ValidationReport(validator="ours", gates=(gate,)))
    assert (found.n_errors, found.gates[0].value) == (0, None)


def test_a_difference_that_is_no_number_is_left_out() -> None:
    assert comparison_section(make_comparison()) == make_comparison()
    odd = make_comparison(difference=Difference(float("nan"), 0.9, 0.0, 0.1))
    assert comparison_section(odd).difference is None


def test_who_was_not_asked_has_not_approved() -> None:
    [approved] = approvals_section(make_decision("approved"))
    assert (approved.is_approved, approved.by) == (True, "Ann")
    [rejected] = approvals_section(make_decision("rejected"))
    assert not rejected.is_approved
    assert approvals_section(make_decision(None)) == ()
    assert approvals_section(make_decision(None).model_copy(update={"approval": None})) == ()


def test_without_an_image_its_sentence_is_left() -> None:
    found = image_section(ImageResult(sentence="no builder is here"))
    known = {name for name, value in found.model_dump().items() if value is not None}
    assert known == {"sentence"}


def test_packages_are_the_sboms_then_the_images_then_the_locks(tmp_path: Path) -> None:
    sources = whole_sources(tmp_path)
    assert make_passport(sources).packages == {
        **{"numpy": "1.26.4", "scipy": "1.14.1"},
        **{"<b>&amp;": "1", "silent": ""},
    }
    without = replace(sources, sbom=None)
    assert make_passport(without).packages == {"numpy": "1.26.4", "scipy": "1.14.1"}
    assert make_passport(replace(without, image=None, lock=None)).packages is None
