"""The one door to Deepchecks: builds its suites over image properties, runs and renders them.

Deepchecks is under the AGPL and takes seconds to import, so it stays in the pipeline environment
and is imported by the functions that need it. Classes are given by name: Deepchecks asks for
integers only where a model is evaluated, and its charts then say ``cat`` and not ``3``.

Our own findings are Deepchecks checks too: computed already, and only read by them.
"""

from __future__ import annotations

import contextlib
import html
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from stacks.flavors.deepchecks_page import join_parts
from stacks.flavors.deepchecks_readings import READERS
from stacks.flavors.shown_findings import N_ROWS, ShownFinding, show_reading
from vision.environment import prepare
from vision.errors import StackError
from vision.progress import track
from vision.validation.columns import PIXEL_PROPERTIES
from vision.validation.measured import Compared, Outcome, Round, plan_rounds, unmeasured
from vision.validation.measures import Sampling
from vision.validation.names import SuiteCheck
from vision.validation.schema import read_schema

_KNOWN_WARNINGS = (
    # Deepchecks 0.19 asks setuptools for pandas' version; its model wrapper lacks what is new.
    r"pkg_resources is deprecated",
    r"\s*The following error .*'MyModelWrapper'",
    # Class sizes have checks of their own, with a sentence instead of a line per fold.
    r"The number of unique classes is greater than 50%",
    r"The least populated class in y has only",
)


def run_suites(
    properties: pd.DataFrame,
    checks: Sequence[SuiteCheck],
    sampling: Sampling | None = None,
    shown: Sequence[ShownFinding] = (),
) -> tuple[list[Outcome], str]:
    """Runs checks over an image-property table.

    Args:
      properties: one row per image; ``path``, ``label``, ``split`` and measurements.
      checks: what to run, each with its limit.
      sampling: how Deepchecks samples; time grows with the square of ``n_outlier_rows``.
      shown: our own findings, which come first on the page.

    Returns:
      one outcome per check and table, and one HTML document that loads nothing.

    Raises:
      StackError: Deepchecks is not installed.
    """
    if not checks and not shown:
        return [], ""
    properties = properties.reset_index(drop=True).astype({"label": str})
    outcomes: list[Outcome] = []
    results: list[Any] = []
    with _quiet_deepchecks():
        ours = [] if properties.empty else _run_ours(properties, shown)
        rounds = plan_rounds(properties, checks)
        for each in track(rounds, len(rounds), "checking properties", "check groups"):
            found, seen = _run(each, sampling or Sampling())
            outcomes.extend(found)
            results.extend(seen)
        return outcomes, _render(ours, results)


@contextlib.contextmanager
def _quiet_deepchecks() -> Iterator[None]:
    prepare()
    with warnings.catch_warnings():
        for message in _KNOWN_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        # Functions that pandas and NumPy announce to drop, called by Deepchecks only.
        for category in (FutureWarning, DeprecationWarning):
            warnings.filterwarnings("ignore", category=category, module=r"deepchecks\.")
        try:
            import deepchecks
        except ImportError as error:
            raise StackError(
                f"Deepchecks cannot be loaded ({error}); install it: make setup, or switch to a "
                "stack that does without it: zenml stack set ci"
            ) from error
        import joblib

        # Its own bars would be the second ones beside ours, and show without a terminal too.
        deepchecks.set_verbosity(logging.WARNING)
        # Threads instead of a pool of processes, each of which would import Deepchecks again.
        with joblib.parallel_backend("threading"):
            yield


def _run(each: Round, sampling: Sampling) -> tuple[list[Outcome], list[Any]]:
    """Returns one outcome per check, and what Deepchecks has to show about those that ran."""
    outcomes = list(unmeasured(each))
    cannot = {outcome.check for outcome in outcomes}
    wanted = [check for check in each.checks if check not in cannot]
    if not wanted:
        return outcomes, []
    built = _build_checks(each.compared, sampling)
    results = _run_suite([built[check.name] for check in wanted], each.compared)
    for check in wanted:
        result = next(one for one in results if one.check is built[check.name])
        outcomes.append(_outcome(check, result, each.compared))
    return outcomes, results


def _run_suite(checks: Sequence[Any], compared: Compared) -> list[Any]:
    from deepchecks.tabular import Dataset, Suite

    def dataset(rows: pd.DataFrame, name: str) -> Any:
        return Dataset(
            rows[["label", *compared.columns]],
            label="label",
            features=list(compared.columns),
            cat_features=[],
            label_type="multiclass",
            dataset_name=name,
        )

    suite = Suite("Image properties", *checks)
    rows = dataset(compared.rows, compared.split or "all images")
    if compared.train is None:
        return list(suite.run(rows).results)
    return list(suite.run(dataset(compared.train, "train"), rows).results)


def _run_ours(properties: pd.DataFrame, shown: Sequence[ShownFinding]) -> list[Any]:
    """Runs our findings as checks over the whole table."""
    from deepchecks import ConditionCategory, ConditionResult

    built = []
    for each in shown:
        check = _own_check(each.check, each.value, each)
        # Bound now: all conditions are judged after this loop.
        said = ConditionResult(ConditionCategory[each.category], html.escape(each.sentence))
        check.add_condition(html.escape(each.condition), lambda value, said=said: said)
        built.append(check)
    return _run_suite(built, Compared(properties, ())) if built else []


def _own_check(name: str, value: Any, shown: ShownFinding) -> Any:
    """Makes a Deepchecks check, of a class of its own, that gives what it is given."""
    from deepchecks import CheckResult
    from deepchecks.tabular import SingleDatasetCheck

    def run_logic(self: Any, context: Any, dataset_kind: Any) -> Any:
        display: list[Any] = [f"<p>{html.escape(shown.line)}</p>"]
        if not shown.table.empty:
            # Deepchecks writes cells as they are, and names of files and classes are anybody's.
            display.append(shown.table.map(html.escape).style.hide(axis="index"))
        return CheckResult(value=value, display=display, header=name)

    def metadata(self: Any, with_doc_link: bool = False) -> Any:
        # Deepchecks' documentation knows nothing of our checks.
        return SingleDatasetCheck.metadata(self, with_doc_link=False)

    members = {"run_logic": run_logic, "metadata": metadata, "__doc__": f"Our check {name}."}
    return type(name.title().replace("_", ""), (SingleDatasetCheck,), members)()


def _schema_check(compared: Compared, sampling: Sampling) -> Any:
    reading = read_schema(compared.rows, sampling.ranges)
    shown = show_reading("schema_violations", reading, compared.rows)
    return _own_check(shown.check, reading, shown)


def _outcome(check: SuiteCheck, result: Any, compared: Compared) -> Outcome:
    from deepchecks import ConditionCategory, ConditionResult
    from deepchecks.core.check_result import CheckFailure

    if compared.split:
        result.header = f"{result.get_header()}: train and {compared.split}"
    if isinstance(result, CheckFailure):
        reason = f"{type(result.exception).__name__}: {result.exception}"
        return Outcome(check, compared.split, None, reason)
    reading = READERS[check.name](result, compared)
    broken = "FAIL" if check.severity == "error" else "WARN"
    category = ConditionCategory["PASS" if reading.value <= check.limit else broken]
    # Our limit as its condition, so that its page and our findings agree.
    condition = ConditionResult(category, html.escape(reading.sentence))
    condition.set_name(f"{check.name}: at most {check.limit:g}")
    result.conditions_results = [condition]
    return Outcome(check, compared.split, reading)


def _build_checks(compared: Compared, sampling: Sampling) -> dict[str, Any]:
    from deepchecks.tabular import checks

    seed = sampling.seed
    columns = list(compared.columns)
    pixels = [name for name in PIXEL_PROPERTIES if name in columns]
    return {
        "missing_properties": checks.PercentOfNulls(random_state=seed),
        "constant_properties": checks.IsSingleValue(columns=pixels, random_state=seed),
        "duplicate_properties": checks.DataDuplicates(columns=columns, random_state=seed),
        "conflicting_properties": checks.ConflictingLabels(columns=columns, random_state=seed),
        "property_outliers": checks.OutlierSampleDetection(
            n_samples=sampling.n_outlier_rows,
            n_to_show=N_ROWS,
            random_state=seed,
            timeout=0,  # else a slow machine skips the check without a word
        ),
        "label_correlation": checks.FeatureLabelCorrelation(random_state=seed),
        "schema_violations": None
        if compared.train is not None
        else _schema_check(compared, sampling),
        "feature_drift": checks.FeatureDrift(random_state=seed),
        "label_drift": checks.LabelDrift(random_state=seed),
        "multivariate_drift": checks.MultivariateDrift(random_state=seed),
        "new_labels": checks.NewLabelTrainTest(random_state=seed),
        "sample_mix": checks.TrainTestSamplesMix(random_state=seed),
        "split_size_ratio": checks.DatasetsSizeComparison(),
    }


def _render(ours: Sequence[Any], results: Sequence[Any]) -> str:
    titled = (("Our own checks", ours), ("Image properties", results))
    parts = [_render_suite(title, some) for title, some in titled if some]
    if not parts:
        return ""
    from deepchecks.core.resources import requirejs_script
    from deepchecks.core.serialization.common import plotlyjs_script

    return join_parts(requirejs_script(False) + plotlyjs_script(False), parts)


def _render_suite(title: str, results: Sequence[Any]) -> str:
    from deepchecks.core.serialization.suite_result.html import SuiteResultSerializer
    from deepchecks.core.suite import SuiteResult

    serializer = SuiteResultSerializer(SuiteResult(title, list(results)))
    part = serializer.serialize(
        output_id=title.replace(" ", "-").lower(),
        include_plotlyjs=False,
        is_for_iframe_with_srcdoc=True,
    )
    # Names three checks out of a set, other ones in every process.
    return str(part).replace(serializer.prepare_prologue(), "")
