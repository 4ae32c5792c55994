"""The names of suites and checks, and the page that explains them."""

from __future__ import annotations

import subprocess
import sys

from vision.home import repository
from vision.validation.find import CHECK_NAMES
from vision.validation.names import SUITE_CHECKS, known_checks, suite_checks


def test_names_are_unique_over_ours_and_all_suites() -> None:
    names = known_checks(("integrity", "train_test"))
    assert len(names) == len(set(names)) == len(CHECK_NAMES) + len(SUITE_CHECKS)


def test_only_selected_suites_count() -> None:
    assert "feature_drift" in known_checks(("train_test",))
    assert "feature_drift" not in known_checks(("integrity",))
    assert {check.suite for check in suite_checks(("integrity",))} == {"integrity"}
    assert known_checks(()) == CHECK_NAMES


def test_the_names_cost_no_data_validator() -> None:
    code = (
        "import sys, vision.validation.names;"
        "print([m for m in ('deepchecks', 'zenml', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_documentation_has_a_row_with_the_limit_of_each() -> None:
    page = (repository() / "docs" / "validation.md").read_text()
    for check in SUITE_CHECKS:
        assert f"| `{check.name}` | {check.value} | at most {check.limit:g} |" in page
    for name in CHECK_NAMES:
        assert f"| `{name}` |" in page
