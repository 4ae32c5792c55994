"""The sections agree with the modules that they configure, and judge several keys together."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from vision.config.dataset import DatasetConfig, SplitConfig
from vision.config.job import JobConfig
from vision.config.sections import ValidationConfig
from vision.validation.checks import CHECK_NAMES
from vision.validation.names import OWN_CHECKS, SUITE_CHECKS


def test_every_check_can_be_named_in_fail_on() -> None:
    assert OWN_CHECKS == CHECK_NAMES
    names = (*CHECK_NAMES, *(check.name for check in SUITE_CHECKS))
    config = ValidationConfig(fail_on=dict.fromkeys(names, "> 0"))
    assert len(config.fail_on) == len(names)


@pytest.mark.parametrize(
    ("section", "values", "rule", "keys"),
    [
        (SplitConfig, {"validation": 0.5, "test": 0.5}, "must be below 1", ("validation", "test")),
        (DatasetConfig, {"source": "digits", "path": "x"}, "takes no path", ("path",)),
        (DatasetConfig, {"source": "table"}, "needs dataset.path", ("source", "path")),
        (DatasetConfig, {"source": "dvc", "path": "x"}, "needs dataset.revision", ("source", "r")),
        (
            DatasetConfig,
            {"source": "folder", "path": "x", "revision": "v1"},
            "belongs to source dvc, not to folder",
            ("revision",),
        ),
        (
            ValidationConfig,
            {"suites": (), "fail_on": {"label_drift": "> 1"}},
            "is computed by suite train_test; add it to suites",
            ("fail_on", "suites"),
        ),
    ],
)
def test_keys_that_are_wrong_together_are_named(
    section: Any, values: dict[str, object], rule: str, keys: tuple[str, ...]
) -> None:
    with pytest.raises(ValidationError) as refused:
        section.model_validate(values)
    (error,) = refused.value.errors()
    assert error["type"] == "broken_rule"
    assert rule in error["msg"]
    assert [named.startswith(key) for named, key in zip(error["ctx"]["keys"], keys, strict=True)]


def test_a_job_is_frozen() -> None:
    job = JobConfig.model_validate(
        {
            "pipeline": "training",
            "model": {"name": "a", "input_size": (8, 8)},
            "dataset": {"source": "digits"},
        }
    )
    with pytest.raises(ValidationError, match="frozen"):
        job.training.epochs = 3  # type: ignore[misc]
