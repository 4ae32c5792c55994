"""Deepchecks over image properties: clean tables pass, each planted fault is measured."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from stacks.flavors.deepchecks_readings import READERS
from stacks.flavors.deepchecks_suites import run_suites
from stacks.flavors.shown_findings import show_findings
from vision.config import ValidationConfig
from vision.errors import StackError
from vision.validation.measured import Outcome
from vision.validation.measures import Sampling
from vision.validation.names import SUITE_CHECKS, SuiteCheck, suite_checks
from vision.validation.report import Finding

Make = Callable[..., pd.DataFrame]
SCHEMA = SuiteCheck("schema_violations", "integrity", "images that break the schema", 0.0)
CHECKS = (*(check for check in SUITE_CHECKS if check.name != SCHEMA.name), SCHEMA)

# Importing Deepchecks takes five seconds of two cores, and each run of its suites another.
pytestmark = pytest.mark.slow


def values(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The worst number of every check that measured something."""
    found: dict[str, float] = {}
    for outcome in outcomes:
        if outcome.reading is not None:
            name = outcome.check.name
            found[name] = max(found.get(name, 0.0), outcome.reading.value)
    return found


def images(outcomes: Sequence[Outcome], name: str) -> set[str]:
    return {
        path
        for outcome in outcomes
        if outcome.check.name == name and outcome.reading is not None
        for path in outcome.reading.images
    }


@pytest.fixture(scope="module")
def clean(make_properties: Make) -> tuple[list[Outcome], str]:
    return run_suites(make_properties(), CHECKS)


def test_every_named_check_is_run_and_read(clean: tuple[list[Outcome], str]) -> None:
    names = {check.name for check in CHECKS}
    assert set(values(clean[0])) == names == set(READERS)


def test_a_clean_table_stays_within_every_limit(clean: tuple[list[Outcome], str]) -> None:
    above = [o for o in clean[0] if o.reading is None or o.reading.value > o.check.limit]
    assert above == []


def test_the_page_loads_nothing_and_fits(clean: tuple[list[Outcome], str]) -> None:
    page = clean[1]
    loads = r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)\s*=\s*[\"']?(?!data:)[^\s>]+"
    assert re.findall(loads, page) == []
    assert "utm_source" not in page
    assert "Feature Drift: train and validation" in page
    assert 4e6 < len(page.encode()) < 6e6


def test_the_same_table_gives_the_same_numbers_and_page(
    make_properties: Make, clean: tuple[list[Outcome], str]
) -> None:
    assert run_suites(make_properties(), CHECKS) == clean


def test_nothing_is_written_to_standard_output(
    make_properties: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    run_suites(make_properties(150), suite_checks(("integrity",)))
    written = capfd.readouterr()
    assert written.out == ""
    assert [line for line in written.err.splitlines() if "checking properties" not in line] == []


@pytest.mark.fault
def test_a_brighter_test_split_is_drift(make_properties: Make) -> None:
    properties = make_properties()
    properties.loc[properties["split"] == "test", "brightness"] += 0.15
    outcomes, _ = run_suites(properties, suite_checks(("train_test",)))
    by_split = {o.split: o.reading for o in outcomes if o.check.name == "feature_drift"}
    assert by_split["test"] is not None
    assert by_split["validation"] is not None
    assert by_split["test"].value > 0.4
    assert by_split["test"].sentence.startswith("brightness differs most from train: 0.")
    assert by_split["validation"].value < 0.2
    assert values(outcomes)["multivariate_drift"] > 0.4


@pytest.mark.fault
def test_new_labels_and_changed_shares_are_found(make_properties: Make) -> None:
    properties = make_properties()
    test = properties.index[properties["split"] == "test"]
    properties.loc[test[:90], "label"] = "unseen"
    outcomes, _ = run_suites(properties, suite_checks(("train_test",)))
    assert values(outcomes)["new_labels"] == 1.0
    assert images(outcomes, "new_labels") == set(properties.loc[test[:90], "path"])
    assert values(outcomes)["label_drift"] > 0.4


@pytest.mark.fault
def test_training_images_in_the_test_split_are_found(make_properties: Make) -> None:
    properties = make_properties()
    copied = [name for name in properties.columns if name not in ("path", "split")]
    train = properties.index[properties["split"] == "train"][:18]
    test = properties.index[properties["split"] == "test"][:18]
    properties.loc[test, copied] = properties.loc[train, copied].to_numpy()
    properties = properties.infer_objects()
    outcomes, _ = run_suites(properties, CHECKS)
    assert values(outcomes)["sample_mix"] == pytest.approx(18 / 180)
    assert images(outcomes, "sample_mix") == set(properties.loc[test, "path"])
    assert values(outcomes)["duplicate_properties"] == pytest.approx(18 / 900)
    assert values(outcomes)["conflicting_properties"] == 0.0


@pytest.mark.fault
def test_integrity_faults_are_measured_and_listed(make_properties: Make) -> None:
    properties = make_properties()
    properties.loc[:8, "sharpness"] = np.nan
    pair = properties.index[[30, 31]]
    same = [name for name in properties.columns if name not in ("path", "split", "label")]
    properties.loc[pair[1], same] = properties.loc[pair[0], same]
    rng = np.random.default_rng(1)
    far = properties.index[100:112]
    properties.loc[far, "entropy"] = rng.uniform(-40, -10, 12)
    properties.loc[far, "saturation"] = rng.uniform(5, 20, 12)
    outcomes, _ = run_suites(properties.infer_objects(), suite_checks(("integrity",)))
    measured = values(outcomes)
    assert measured["missing_properties"] == pytest.approx(9 / 900)
    assert len(images(outcomes, "missing_properties")) == 9
    assert measured["conflicting_properties"] == pytest.approx(2 / 900)
    assert images(outcomes, "conflicting_properties") == set(properties.loc[pair, "path"])
    assert measured["property_outliers"] > 0.005
    assert images(outcomes, "property_outliers") <= set(properties.loc[far, "path"])


@pytest.mark.fault
def test_a_property_that_gives_the_class_away_is_found(make_properties: Make) -> None:
    properties = make_properties()
    properties["brightness"] = properties["label"].factorize()[0] * 0.3 + 0.1
    properties["contrast"] = 0.2
    measured = values(run_suites(properties, suite_checks(("integrity",)))[0])
    assert measured["label_correlation"] > 0.95
    assert measured["constant_properties"] == 1.0


def test_small_splits_are_not_judged_by_chance(make_properties: Make) -> None:
    outcomes, _ = run_suites(make_properties(150), suite_checks(("train_test",)))
    unmeasured = {o.check.name: o.reason for o in outcomes if o.reading is None}
    assert set(unmeasured) == {"feature_drift", "label_drift", "multivariate_drift"}
    assert unmeasured["feature_drift"] == "train has 90 of the 100 images needed"


def test_identical_images_and_missing_splits_do_not_break_it(make_properties: Make) -> None:
    properties = make_properties(120)
    properties = properties.assign(split="train", path=[f"{i}.png" for i in range(120)])
    for column in properties.select_dtypes("number").columns:
        properties[column] = properties[column].iloc[0]
    outcomes, _ = run_suites(properties, CHECKS)
    measured = values(outcomes)
    assert measured["constant_properties"] == 4.0
    reasons = {o.check.name: o.reason for o in outcomes if o.reading is None}
    assert reasons["sample_mix"] == "no property differs between the images"


def test_gray_images_count_their_channels_once(make_properties: Make) -> None:
    outcomes, page = run_suites(make_properties(is_gray=True), suite_checks(("train_test",)))
    assert "brightness" in page
    assert "red_mean" not in page
    assert values(outcomes)["feature_drift"] < 0.2


def test_no_suite_is_no_page(make_properties: Make) -> None:
    assert run_suites(make_properties(30), ()) == ([], "")


def test_importing_the_flavor_does_not_import_deepchecks() -> None:
    code = (
        "import sys, stacks.flavors.deepchecks_validator;"
        "print([m for m in ('deepchecks', 'plotly', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.fault
def test_values_that_the_schema_does_not_allow_are_listed(make_properties: Make) -> None:
    properties = make_properties(150)
    properties.loc[[3, 7], "entropy"] = [9.5, -1.0]
    outcomes, page = run_suites(properties, [SCHEMA], Sampling(ranges={"contrast": (0.0, 0.4)}))
    assert values(outcomes) == {"schema_violations": 2.0}
    assert images(outcomes, "schema_violations") == {"a/00003.png", "b/00007.png"}
    assert "entropy is no number from 0 to 8 in 2" in page


def test_our_findings_come_first_as_deepchecks_checks(make_properties: Make) -> None:
    properties = make_properties(150)
    paths = ("a/00000.png", "<b>gone</b>.png")
    findings = [
        Finding(check="hidden_files", severity="info", message="1 hidden file", value=1.0),
        Finding(check="corrupt_images", severity="error", message="2 broken", images=paths,
                value=2.0, notes=("ends too early", "<i>empty</i>")),
        Finding(check="class_imbalance", severity="warning", message="12 times", value=12.0),
    ]  # fmt: skip
    config = ValidationConfig(fail_on={"corrupt_images": "> 0", "class_imbalance": "> 20"})
    shown = show_findings(findings, config, properties)
    assert [each.category for each in shown] == ["FAIL", "PASS", "PASS"]
    _, page = run_suites(properties, suite_checks(("train_test",)), shown=shown)
    order = ["Our own checks", "2: 2 broken", "a/00000.png", "ends too early", "Image properties"]
    places = [page.index(f">{text}<") for text in order]
    assert places == sorted(places)
    assert "required &lt;= 0 by validation.fail_on" in page
    assert "required &lt;= 20 by validation.fail_on" in page
    assert "info: no condition in validation.fail_on" in page
    assert "<b>gone" not in page
    assert "<i>empty" not in page
    ours = page[page.index("Our own checks") : page.index(">Image properties<")]
    assert "Read More" not in ours


def test_limits_are_those_of_the_configuration_on_the_page_too(make_properties: Make) -> None:
    from vision.validation.measured import selected_checks

    config = ValidationConfig(
        suites=("train_test",), checks=("split_size_ratio",), limits={"split_size_ratio": 2.5},
        fail_on={},
    )  # fmt: skip
    outcomes, page = run_suites(make_properties(150), selected_checks(config))
    assert {outcome.check.name for outcome in outcomes} == {"split_size_ratio"}
    assert {outcome.check.limit for outcome in outcomes} == {2.5}
    assert "split_size_ratio: at most 2.5" in page


def test_without_deepchecks_the_next_move_is_named(
    make_properties: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "deepchecks", None)
    with pytest.raises(StackError, match=r"^Deepchecks cannot be loaded .*zenml stack set ci$"):
        run_suites(make_properties(30), SUITE_CHECKS)
