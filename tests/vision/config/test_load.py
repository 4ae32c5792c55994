"""A wrong configuration is refused with every problem, its place and what was meant."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vision.config.load import load_job
from vision.errors import ConfigError

RIGHT = """\
pipeline: training
model:
  name: digits
  input_size: [32, 48]
dataset:
  source: digits
training:
  epochs: 3
"""
Problems = Callable[..., list[str]]


@pytest.fixture
def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Problems:
    """Returns the problems of a configuration, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def refuse(text: str, *overrides: str) -> list[str]:
        Path("job.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError) as refused:
            load_job(Path("job.yaml"), overrides)
        assert str(refused.value) == "\n".join(refused.value.problems)
        return list(refused.value.problems)

    return refuse


def test_a_right_configuration_is_read_with_defaults(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(RIGHT + "tracking:\n", encoding="utf-8")
    job = load_job(path, ["training.learning_rate=1e-2", "evaluation.gate={accuracy: 0.9}"])
    assert job.model.input_size == (32, 48)
    assert (job.training.epochs, job.training.learning_rate) == (3, 0.01)
    assert job.evaluation.gate == {"accuracy": 0.9}
    assert job.tracking.experiment is None
    assert job.drift.backend == "alibi"


def test_all_problems_come_at_once_in_the_order_of_the_file(problems: Problems) -> None:
    text = """\
pipeline: trainig
modle:
  name: a b
  architecture: resnet5
  input_sise: [32]
  weights: nix.h5
dataset:
  source: folder
  seed: -1
  split: {validation: 0.6, test: 0.6}
training:
  epochs: lots
  batch_size: true
  learning_rate: 5
  epochs: 4
  patience: ${UNSET_HERE}
epochs: 3
evaluation:
  gate: {acuracy: 0.5, auc: 3}
tracking: 5
validation:
  fail_on: {corrupt_images: often}
"""
    said = problems(text, "training.dropout=1", "foo")
    expected = [
        'job.yaml:1: pipeline = "trainig": must be one of validation, training, evaluation, '
        "deployment, monitoring, full; did you mean 'training'?",
        'job.yaml:2: modle = {"name": "a b", "architecture": "resnet5", "input_sise": ...: '
        "unknown key; did you mean 'model'?",
        "job.yaml:3: modle.name = \"a b\": must be up to 40 lower-case letters, digits, '.', '_' "
        "and '-', with a letter or digit first and last",
        'job.yaml:4: modle.architecture = "resnet5": must be one of small_cnn, '
        "mobilenet_v3_small, efficientnet_v2_b0, resnet50; did you mean 'resnet50'?",
        "job.yaml:5: modle.input_sise = [32]: unknown key; did you mean 'input_size'?",
        "job.yaml:5: modle.input_sise = [32]: needs 2 values, [height, width]",
        f'job.yaml:6: modle.weights = "nix.h5": no such file in {Path.cwd()}; remove it to train '
        "from scratch",
        'job.yaml:8: dataset.source = "folder": source folder needs dataset.path; add it',
        "job.yaml:9: dataset.seed = -1: must be at least 0",
        "job.yaml:10: dataset.split.validation = 0.6: validation + test must be below 1, or "
        "nothing is left to train on",
        'job.yaml:12: training.epochs = "lots": must be a whole number',
        "job.yaml:13: training.batch_size = true: must be a whole number",
        "job.yaml:14: training.learning_rate = 5: must be at most 1.0",
        "job.yaml:15: training.epochs = 4: given twice, first on line 12; keep one",
        'job.yaml:16: training.patience = "${UNSET_HERE}": the environment variable UNSET_HERE is '
        "not set; export it first",
        "job.yaml:17: epochs = 3: unknown key, valid here: pipeline, model, dataset, validation, "
        "augmentation, training, evaluation, bundle, drift, tracking, deployment, monitoring, "
        "zenml; did you mean 'training.epochs'?",
        "job.yaml:19: evaluation.gate.acuracy = 0.5: unknown key; did you mean 'accuracy'?",
        "job.yaml:19: evaluation.gate.auc = 3: must be at most 1.0",
        "job.yaml:20: tracking = 5: must be a section of keys and values",
        'job.yaml:22: validation.fail_on.corrupt_images = "often": must be a comparison and a '
        'number, for example "> 0" or ">= 0.05"',
        '--set: "foo" must be KEY.PATH=VALUE, for example training.epochs=5',
        "--set: training.dropout = 1: must be below 1.0",
    ]
    assert said == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("pipeline: training\n", "job.yaml:1: model: missing; the job needs model"),
        (
            RIGHT.replace("  name: digits\n", ""),
            "job.yaml:2: model.name: missing; model needs name",
        ),
        (RIGHT.replace("training\n", "all\n"), 'job.yaml:1: pipeline = "all": must be one of'),
        (RIGHT.replace("48]", "48, 3]"), "job.yaml:4: model.input_size = [32, 48, 3]: needs 2"),
        (
            RIGHT.replace("[32, 48]", "[8]"),
            "job.yaml:4: model.input_size = [8]: needs 2 values, [",
        ),
        (RIGHT.replace("[32, 48]", "[]"), "job.yaml:4: model.input_size = []: needs 2 values, ["),
        (
            RIGHT + "augmentation:\n  policy:\n    - rotate: {degrees: [9]}\n",
            "job.yaml:11: augmentation.policy[0].rotate.degrees = [9]: needs 2 values, [low, high]",
        ),
        (
            RIGHT.replace("source: digits", "source: digits\n  split: {test: 0}"),
            "job.yaml:7: dataset.split.test = 0: evaluation.split is test, and digits brings no "
            "images for it; set dataset.split.test above 0, or choose another evaluation.split",
        ),
        (
            RIGHT.replace("source: digits", "source: digits\n  split: {validation: 0}"),
            "job.yaml:7: dataset.split.validation = 0: training needs validation images, and "
            "digits brings none; set dataset.split.validation above 0",
        ),
        (RIGHT.replace("48]", "4]"), "job.yaml:4: model.input_size[1] = 4: must be at least 8"),
        (RIGHT.replace("digits\n  in", "7\n  in"), "job.yaml:3: model.name = 7: must be text; put"),
        (RIGHT + "  deterministic: 1\n", "job.yaml:9: training.deterministic = 1: must be true or"),
        (RIGHT + "  dropout: .nan\n", "job.yaml:9: training.dropout = NaN: must be below 1.0"),
        (RIGHT + "  seed:\n", "job.yaml:9: training.seed = nothing: must be a whole number"),
        (
            RIGHT + "deployment: {replicas: 2}\n",
            "job.yaml:9: deployment.replicas = 2: unknown key, valid here: version,",
        ),
        (
            RIGHT + "augmentation: {policy: {}}\n",
            "job.yaml:9: augmentation.policy = {}: must be a l",
        ),
        (
            RIGHT.replace("source: digits", "{source: digits, path: x}"),
            'job.yaml:6: dataset.path = "x": source digits takes no path; remove it, or use folder',
        ),
        (
            RIGHT.replace("source: digits", "{source: digits, revision: v1}"),
            'job.yaml:6: dataset.revision = "v1": belongs to source dvc, not to digits; remove it',
        ),
        (
            RIGHT.replace("source: digits", "{source: dvc, path: x}"),
            'job.yaml:6: dataset.source = "dvc": source dvc needs dataset.revision (a tag, branch',
        ),
        (
            RIGHT + "validation: {suites: [integrity], fail_on: {label_drift: '> 0.1'}}\n",
            'job.yaml:9: validation.fail_on = {"label_drift": "> 0.1"}: label_drift is computed by',
        ),
        (
            RIGHT + "validation: {suites: [intgrity]}\n",
            'job.yaml:9: validation.suites[0] = "intgrity": must be one of integrity, train_test; '
            "did you mean 'integrity'?",
        ),
        (
            RIGHT + "augmentation:\n  policy:\n    - rotate: {degrees: [9, 1]}\n",
            "job.yaml:11: augmentation.policy[0].rotate.degrees = [9, 1]: must be [low, high] with",
        ),
    ],
)
def test_one_problem_is_told_where_it_is(problems: Problems, text: str, problem: str) -> None:
    said = problems(text)
    assert [line for line in said if line.startswith(problem)], said
    assert len(said) == (2 if text == "pipeline: training\n" else 1), said


def test_rules_about_several_keys_do_not_blame_what_was_taken_out(problems: Problems) -> None:
    text = RIGHT.replace("source: digits", "source: folder\n  path: 5")
    assert problems(text) == ["job.yaml:7: dataset.path = 5: must be text; put it in quotes"]
    text = RIGHT.replace("source: digits", "source: digits\n  split: {validation: x, test: 0.9}")
    assert problems(text) == ['job.yaml:7: dataset.split.validation = "x": must be a number']


def test_a_key_of_another_section_is_sent_there(problems: Problems) -> None:
    (said,) = problems(RIGHT.replace("  name: digits", "  name: digits\n  learning_rate: 0.1"))
    assert said.startswith("job.yaml:4: model.learning_rate = 0.1: unknown key, valid here: name,")
    assert said.endswith("; did you mean 'training.learning_rate'?")


@pytest.mark.parametrize(
    ("source", "path", "said"),
    [
        ("folder", "images", "no such folder in {cwd}; set dataset.path to your folder"),
        ("folder", "job.yaml", "is a file, not a folder of images in {cwd}; set"),
        ("folder", "/no/such", "no such folder; set dataset.path to your folder"),
        ("table", "table.csv", "no such file in {cwd}; set dataset.path to your table"),
        ("table", ".", "is a folder, not a table in {cwd}; set"),
        ("table", "job.yaml", "must end in .csv, .parquet or .json in {cwd}; set"),
    ],
)
def test_files_that_are_named_must_be_there(
    problems: Problems, source: str, path: str, said: str
) -> None:
    text = RIGHT.replace("source: digits", f"source: {source}\n  path: {path}")
    (problem,) = problems(text)
    assert problem.startswith(f'job.yaml:7: dataset.path = "{path}": {said.format(cwd=Path.cwd())}')


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("training", '--set: "training" must be KEY.PATH=VALUE, for example training.epochs=5'),
        ("=3", '--set: "=3" must be KEY.PATH=VALUE, for example training.epochs=5'),
        ("training..epochs=3", '--set: "training..epochs=3" must be KEY.PATH=VALUE, for example'),
        (
            "training.epochs.x=3",
            "--set: training.epochs.x = 3: training.epochs is 3 and has no keys",
        ),
        ("training.epchs=3", "--set: training.epchs = 3: unknown key; did you mean 'epochs'?"),
        ("training.epochs=", "--set: training.epochs = nothing: must be a whole number"),
        ("evaluation.gate={auc: 3", "--set: evaluation.gate: bad YAML: expected ',' or '}'"),
        ("evaluation.gate={auc: 3}", "--set: evaluation.gate.auc = 3: must be at most 1.0"),
        ("dataset.revision=12", "--set: dataset.revision = 12: must be text; put it in quotes"),
        ("evaluation.split=tset", '--set: evaluation.split = "tset": must be one of train'),
    ],
)
def test_overrides_are_checked_like_the_file(
    problems: Problems, override: str, problem: str
) -> None:
    (said,) = problems(RIGHT, override)
    assert said.startswith(problem)


def test_later_overrides_win(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(RIGHT + "zenml:\n", encoding="utf-8")
    job = load_job(path, ["zenml.retry.delay_s=3", "training.epochs=7", "training.epochs=8"])
    assert (job.training.epochs, job.zenml.retry.delay_s) == (8, 3)


def test_loading_brings_in_nothing_heavy(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(RIGHT, encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; from vision.config.load import load_job; "
        f"load_job(Path({str(path)!r})); "
        "print({'tensorflow', 'zenml', 'pandas', 'numpy', 'cv2'} & set(sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout == "set()\n"
