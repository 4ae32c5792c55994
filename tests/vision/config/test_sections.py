"""The sections agree with the modules that they configure, and judge several keys together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError

from vision.config.dataset import DatasetConfig, SplitConfig
from vision.config.job import JobConfig
from vision.config.sections import ModelConfig, ValidationConfig
from vision.config.values import _PARTS, _RANGE
from vision.errors import ConfigError
from vision.validation.find import CHECK_NAMES
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
            ModelConfig,
            {"name": "m", "input_size": (8, 8), "weights": "a.keras"},
            "small_cnn is trained from scratch and has no backbone to load",
            ("weights", "architecture"),
        ),
        (
            ValidationConfig,
            {"suites": (), "fail_on": {"label_drift": "> 1"}},
            "is computed by suite train_test; add it to suites",
            ("fail_on", "suites"),
        ),
        (
            ValidationConfig,
            {"suites": ("integrity",), "limits": {"label_drift": 0.5}},
            "is computed by suite train_test; add it to suites",
            ("limits", "suites"),
        ),
        (
            ValidationConfig,
            {"checks": ("conflicting_labels",), "quarantine": ("likely_wrong_labels",)},
            "likely_wrong_labels is not among checks; add it there",
            ("quarantine", "checks"),
        ),
        (
            DatasetConfig,
            {"source": "table", "path": "a.csv", "annotations": "b.csv"},
            "belongs to source dvc; for a file of your own use source table",
            ("annotations",),
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


@pytest.mark.parametrize(
    ("pipeline", "scored", "needed"),
    [
        ("training", "test", ("train", "validation", "test")),
        ("training", "validation", ("train", "validation")),
        ("evaluation", "test", ("test",)),
    ],
)
def test_a_job_knows_which_splits_it_needs(
    pipeline: str, scored: str, needed: tuple[str, ...]
) -> None:
    assert make_job(pipeline, scored, {}).needed_splits == needed


@pytest.mark.parametrize(
    ("pipeline", "scored", "shares", "keys"),
    [
        ("training", "test", {"test": 0}, ("dataset.split.test", "evaluation.split")),
        ("training", "validation", {"validation": 0}, ("dataset.split.validation", "pipeline")),
        ("evaluation", "test", {"test": 0}, ("dataset.split.test", "evaluation.split")),
    ],
)
def test_digits_must_hold_out_what_the_job_needs(
    pipeline: str, scored: str, shares: dict[str, float], keys: tuple[str, ...]
) -> None:
    with pytest.raises(ValidationError, match="digits brings no") as refused:
        make_job(pipeline, scored, shares)
    (error,) = refused.value.errors()
    assert error["ctx"]["keys"] == keys


def test_a_share_of_nothing_is_fine_where_nothing_needs_it() -> None:
    make_job("training", "validation", {"test": 0})
    make_job("evaluation", "test", {"validation": 0})


def test_every_list_of_fixed_length_has_names_for_its_values() -> None:
    fixed = {path[-1]: len(get_args(kind)) for path, kind in _fixed_lists(JobConfig)}
    assert fixed.pop("input_size") == len(_PARTS["input_size"])
    assert fixed
    assert set(fixed.values()) == {len(_RANGE)}


def _fixed_lists(section: type[BaseModel]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, field in section.model_fields.items():
        for kind in _inner(field.annotation):
            if get_origin(kind) is tuple and ... not in get_args(kind):
                yield (name,), kind
            elif isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not section:
                yield from (((name, *path), below) for path, below in _fixed_lists(kind))


def _inner(kind: Any) -> Iterator[Any]:
    """Yields a type and everything it is made of, but not the items of fixed lists."""
    yield kind
    if not (get_origin(kind) is tuple and ... not in get_args(kind)):
        for part in get_args(kind):
            yield from _inner(part)


def make_job(pipeline: str, scored: str, shares: dict[str, float]) -> JobConfig:
    return JobConfig.model_validate(
        {
            "pipeline": pipeline,
            "model": {"name": "a", "input_size": (8, 8)},
            "dataset": {"source": "digits", "split": shares},
            "evaluation": {"split": scored},
        }
    )


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"checks": ("feature_drfit",)}, "feature_drift"),
        ({"quarantine": ("feature_drift",)}, "near_duplicates_across_splits"),
        ({"quarantine": ("class_imbalance",)}, "corrupt_images"),
    ],
)
def test_unknown_checks_are_refused_with_the_list(values: dict[str, object], rule: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ValidationConfig.model_validate(values)
    (error,) = refused.value.errors()
    assert error["type"] == "literal_error"
    assert f"'{rule}'" in error["msg"]


def test_conditions_by_default_need_no_suite_and_no_check() -> None:
    config = ValidationConfig(suites=(), checks=("class_imbalance",))
    assert config.fail_on["conflicting_labels"] == "> 0"
    assert not config.runs("conflicting_labels")
    assert config.runs("corrupt_images"), "files that cannot be used are always named"


@pytest.mark.parametrize(
    ("pattern", "rule"),
    [
        ("abc(", "is no regular expression: missing )"),
        ("abc", "needs one group in parentheses, it has 0"),
        ("(a)(b)", "needs one group in parentheses, it has 2"),
    ],
)
def test_group_by_needs_one_group(pattern: str, rule: str) -> None:
    with pytest.raises(ValidationError) as refused:
        DatasetConfig(source="digits", group_by=pattern)
    assert rule in str(refused.value)


# Each section with values of its own, as far as it has any.
GIVEN: dict[str, dict[str, Any]] = {
    "model": {"name": "a", "architecture": "resnet50", "input_size": (8, 9)},
    "dataset": {"source": "dvc", "path": "p", "revision": "v1", "annotations": "t.csv"},
    "validation": {
        "checks": ("feature_drift", "conflicting_labels"),
        "limits": {"feature_drift": 1},
    },
    "augmentation": {},
    "training": {"epochs": 3, "weight_decay": 0.1},
    "evaluation": {"gate": {"accuracy": 0.5}, "model": "v3"},
    "bundle": {"n_golden": 3},
    "drift": {"backend": "scipy"},
    "tracking": {"tags": {"a": "b"}},
    "deployment": {},
    "monitoring": {},
    "zenml": {"enable_cache": False},
}


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("values", ["given", "default"])
def test_every_section_is_read_back_from_what_it_is_dumped_to(name: str, values: str) -> None:
    # ZenML passes sections to steps in this way, and everything counts as set then.
    kind = JobConfig.model_fields[name].annotation
    kind = DatasetConfig if name == "dataset" else kind
    assert isinstance(kind, type)
    assert issubclass(kind, BaseModel)
    needed = name in ("model", "dataset")
    section = kind.model_validate(GIVEN[name] if values == "given" or needed else {})
    assert kind.model_validate(section.model_dump()) == section
    assert kind.model_validate(section.model_dump(mode="json")) == section
    assert kind.model_validate_json(section.model_dump_json()) == section


def test_no_section_is_forgotten() -> None:
    assert set(GIVEN) == set(JobConfig.model_fields) - {"pipeline"}


def test_a_condition_that_is_given_needs_its_check() -> None:
    with pytest.raises(ValidationError, match="feature_drift is not among checks; add it there"):
        ValidationConfig(checks=("class_imbalance",), fail_on={"feature_drift": "> 0.1"})


def test_monitoring_alone_needs_no_dataset() -> None:
    values = {"model": {"name": "digits", "input_size": (32, 32)}}
    job = JobConfig.model_validate({**values, "pipeline": "monitoring"})
    assert job.dataset is None
    with pytest.raises(ConfigError, match="dataset: missing; pipeline monitoring runs without a"):
        _ = job.images
    for pipeline in ("training", "evaluation", "validation"):
        with pytest.raises(ValidationError, match="dataset\n  Field required"):
            JobConfig.model_validate({**values, "pipeline": pipeline})
