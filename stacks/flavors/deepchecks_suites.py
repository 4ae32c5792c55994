"""The one door to Deepchecks: builds its suites over image properties, runs and renders them.

Deepchecks is under the AGPL and takes seconds to import, so it stays in the pipeline environment
and is imported by the functions that need it. Classes are given by name: Deepchecks asks for
integers only where a model is evaluated, and its charts then say ``cat`` and not ``3``.
"""

from __future__ import annotations

import contextlib
import html
import itertools
import logging
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stacks.flavors.deepchecks_readings import READERS, Compared, Outcome
from vision.environment import prepare
from vision.progress import track
from vision.validation.columns import (
    HELD_OUT,
    PIXEL_PROPERTIES,
    informative_properties,
    numeric_properties,
)
from vision.validation.names import SuiteCheck, suite_checks

# These two see every property; the rest see each piece of information once.
_ON_ALL_COLUMNS = ("missing_properties", "constant_properties")
_N_TO_SHOW = 24
_KNOWN_WARNINGS = (
    # Deepchecks 0.19 asks setuptools for pandas' version, and its model wrapper lacks what
    # scikit-learn 1.8 will ask for; nobody here can act on either.
    r"pkg_resources is deprecated",
    r"\s*The following error .*'MyModelWrapper'",
    # Class sizes have checks of their own, with a sentence instead of a line per fold.
    r"The number of unique classes is greater than 50%",
    r"The least populated class in y has only",
)


@dataclass(frozen=True)
class _Round:
    """Checks that run together over the same rows."""

    checks: tuple[SuiteCheck, ...]
    compared: Compared


def run_suites(
    properties: pd.DataFrame, suites: Sequence[str], seed: int = 0, n_outlier_rows: int = 5000
) -> tuple[list[Outcome], str]:
    """Runs suites over an image-property table.

    Args:
      properties: one row per image; ``path``, ``label``, ``split`` and measurements.
      suites: ``integrity`` looks at all rows, ``train_test`` compares ``validation`` and ``test``
        with ``train``.
      seed: of every sample that Deepchecks draws.
      n_outlier_rows: the most rows that are searched for outliers; time grows with their square.

    Returns:
      one outcome per check and table, and Deepchecks' own page: one HTML document that loads
      nothing and is the same for the same table.
    """
    if not suites:
        return [], ""
    properties = properties.reset_index(drop=True).astype({"label": str})
    outcomes: list[Outcome] = []
    results: list[Any] = []
    with _quiet_deepchecks():
        rounds = _plan(properties, suites)
        for each in track(rounds, len(rounds), "checking properties", "check groups"):
            found, shown = _run(each, seed, n_outlier_rows)
            outcomes.extend(found)
            results.extend(shown)
        return outcomes, _render(results)


@contextlib.contextmanager
def _quiet_deepchecks() -> Iterator[None]:
    prepare()
    with warnings.catch_warnings():
        for message in _KNOWN_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        # Functions that pandas and NumPy announce to drop, called by Deepchecks only.
        for category in (FutureWarning, DeprecationWarning):
            warnings.filterwarnings("ignore", category=category, module=r"deepchecks\.")
        import deepchecks
        import joblib

        # Its own bars would be the second ones beside ours, and show without a terminal too.
        deepchecks.set_verbosity(logging.WARNING)
        # Threads instead of a pool of processes, each of which would import Deepchecks again.
        with joblib.parallel_backend("threading"):
            yield


def _plan(properties: pd.DataFrame, suites: Sequence[str]) -> list[_Round]:
    chosen = suite_checks(suites)
    coarse = tuple(check for check in chosen if check.name in _ON_ALL_COLUMNS)
    fine = tuple(c for c in chosen if c.suite == "integrity" and c not in coarse)
    compare = tuple(check for check in chosen if check.suite == "train_test")
    columns = tuple(informative_properties(properties))
    train = properties[properties["split"] == "train"]
    rounds = [
        _Round(coarse, Compared(properties, tuple(numeric_properties(properties)))),
        _Round(fine, Compared(properties, columns)),
    ]
    for split in HELD_OUT:
        rows = properties[properties["split"] == split]
        rounds.append(_Round(compare, Compared(rows, columns, split, train)))
    return [each for each in rounds if each.checks]


def _run(each: _Round, seed: int, n_outlier_rows: int) -> tuple[list[Outcome], list[Any]]:
    """Returns one outcome per check, and what Deepchecks has to show about those that ran."""
    reasons = {check: _why_not(check, each) for check in each.checks}
    outcomes = [
        Outcome(check, each.compared.split, None, reason)
        for check, reason in reasons.items()
        if reason
    ]
    wanted = [check for check, reason in reasons.items() if not reason]
    if not wanted:
        return outcomes, []
    built = _build_checks(each.compared, seed, n_outlier_rows)
    results = _run_suite([built[check.name] for check in wanted], each)
    for check in wanted:
        result = next(one for one in results if one.check is built[check.name])
        outcomes.append(_outcome(check, result, each.compared))
    return outcomes, results


def _why_not(check: SuiteCheck, each: _Round) -> str:
    compared = each.compared
    if not compared.columns:
        return "no property differs between the images"
    tables = {"train": compared.train, compared.split or "the dataset": compared.rows}
    for name, table in tables.items():
        if table is not None and table.empty:
            return f"{name} has no images"
        if table is not None and len(table) < check.least_images:
            return f"{name} has {len(table)} of the {check.least_images} images needed"
    return ""


def _run_suite(checks: Sequence[Any], each: _Round) -> list[Any]:
    from deepchecks.tabular import Dataset, Suite

    def dataset(rows: pd.DataFrame, name: str) -> Any:
        return Dataset(
            rows[["label", *each.compared.columns]],
            label="label",
            features=list(each.compared.columns),
            cat_features=[],
            label_type="multiclass",
            dataset_name=name,
        )

    compared = each.compared
    suite = Suite("Image properties", *checks)
    rows = dataset(compared.rows, compared.split or "all images")
    if compared.train is None:
        return list(suite.run(rows).results)
    return list(suite.run(dataset(compared.train, "train"), rows).results)


def _outcome(check: SuiteCheck, result: Any, compared: Compared) -> Outcome:
    from deepchecks import ConditionCategory, ConditionResult
    from deepchecks.core.check_result import CheckFailure

    if compared.split:
        result.header = f"{result.get_header()}: train and {compared.split}"
    if isinstance(result, CheckFailure):
        reason = f"{type(result.exception).__name__}: {result.exception}"
        return Outcome(check, compared.split, None, reason)
    reading = READERS[check.name](result, compared)
    broken = ConditionCategory.FAIL if check.severity == "error" else ConditionCategory.WARN
    category = ConditionCategory.PASS if reading.value <= check.limit else broken
    # Our limit as its condition, so that its page and our findings agree.
    condition = ConditionResult(category, html.escape(reading.sentence))
    condition.set_name(f"{check.name}: at most {check.limit:g}")
    result.conditions_results = [condition]
    return Outcome(check, compared.split, reading)


def _build_checks(compared: Compared, seed: int, n_outlier_rows: int) -> dict[str, Any]:
    from deepchecks.tabular import checks

    columns = list(compared.columns)
    pixels = [name for name in PIXEL_PROPERTIES if name in columns]
    return {
        "missing_properties": checks.PercentOfNulls(random_state=seed),
        "constant_properties": checks.IsSingleValue(columns=pixels, random_state=seed),
        "duplicate_properties": checks.DataDuplicates(columns=columns, random_state=seed),
        "conflicting_properties": checks.ConflictingLabels(columns=columns, random_state=seed),
        "property_outliers": checks.OutlierSampleDetection(
            n_samples=n_outlier_rows,
            n_to_show=_N_TO_SHOW,
            random_state=seed,
            timeout=0,  # else a slow machine skips the check without a word
        ),
        "label_correlation": checks.FeatureLabelCorrelation(random_state=seed),
        "feature_drift": checks.FeatureDrift(random_state=seed),
        "label_drift": checks.LabelDrift(random_state=seed),
        "multivariate_drift": checks.MultivariateDrift(random_state=seed),
        "new_labels": checks.NewLabelTrainTest(random_state=seed),
        "sample_mix": checks.TrainTestSamplesMix(random_state=seed),
        "split_size_ratio": checks.DatasetsSizeComparison(),
    }


_RANDOM_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\bT_[0-9a-f]{5}(?=[_\"\s])"
)
_CAMPAIGN = re.compile(r"\?utm_source=[^\"\s>]*")
_STYLE = "<style>body { color: #1b1f24; font: 14px/1.5 system-ui, sans-serif; }</style>"


def _render(results: Sequence[Any]) -> str:
    """Renders Deepchecks' page with its chart library inside, and ids that do not change."""
    if not results:
        return ""
    from deepchecks.core.serialization.suite_result.html import SuiteResultSerializer
    from deepchecks.core.suite import SuiteResult

    serializer = SuiteResultSerializer(SuiteResult("Image properties", list(results)))
    page = serializer.serialize(
        output_id="deepchecks", full_html=True, is_for_iframe_with_srcdoc=True
    )
    # Names three checks out of a set, other ones in every process.
    page = page.replace(serializer.prepare_prologue(), "")
    numbers: defaultdict[str, int] = defaultdict(itertools.count().__next__)
    page = _RANDOM_ID.sub(lambda found: f"id-{numbers[found.group()]}", page)
    return _CAMPAIGN.sub("", page).replace("</head>", f"{_STYLE}</head>", 1)
