"""Training is started for new labels and new data, once, and else there is a sentence why not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines import retrain
from pipelines.report import ModelName, RunReport
from pipelines.retrain import check_retrain, maybe_retrain
from serving.log.errors import LogError
from tests.fake_bundle import write_fake_bundle
from tests.synthetic import write_images
from vision.bundles.manifest import MANIFEST_FILE
from vision.config import DatasetConfig, JobConfig
from vision.datasets.load import load_annotations
from vision.errors import BundleError, ConfigError, StackError
from vision.monitoring.report import MonitoringReport

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("home")]

TIME = datetime(2026, 11, 21, 19, 30, tzinfo=UTC)
NOTHING = "nothing was trained for colours v1: "


@dataclass
class World:
    """A watched model, its images, and what training was started with."""

    images: Path
    job: JobConfig
    started: list[JobConfig] = field(default_factory=list)
    ends: str = "completed"
    error: str | None = None
    n_labelled: int = 0
    asked: list[datetime | None] = field(default_factory=list)

    def add_image(self) -> None:
        n_files = len(list(self.images.rglob("*.png")))
        some = next(self.images.rglob("*.png"))
        (some.parent / f"new{n_files}.png").write_bytes(some.read_bytes())

    def launch(self, job: JobConfig) -> RunReport:
        self.started.append(job)
        return RunReport.model_validate(
            {"pipeline": "training", "status": self.ends, "error": self.error,
             "model": ModelName(name="colours")}
        )  # fmt: skip

    def look(self, n_labelled: int, verdict: str = "drift", version: str = "v1") -> Any:
        """Lets that many true labels be there, and what drifted be looked at."""
        self.n_labelled = n_labelled
        return maybe_retrain(self.job, report((version, verdict)), self.launch)

    def count(self, name: str, version: str, after: datetime | None) -> int:
        assert name == "colours"
        self.asked.append(after)
        return self.n_labelled


def report(*versions: tuple[str, str], replaced: str = "") -> MonitoringReport:
    return MonitoringReport.model_validate(
        {
            "name": "colours", "created_at": TIME, "since": TIME, "until": TIME,
            "versions": [
                {"name": "colours", "version": version, "verdict": verdict,
                 "served_until": TIME if version in replaced else None}
                for version, verdict in versions
            ],
        }
    )  # fmt: skip


def _training(path: Path, images: Path, name: str = "colours", pipeline: str = "training") -> Path:
    values = {
        "pipeline": pipeline,
        "model": {"name": name, "input_size": [16, 16]},
        "dataset": {"source": "folder", "path": str(images)},
    }
    path.write_text(json.dumps(values))
    return path


def _job(config: Path, **changes: Any) -> JobConfig:
    values = {"on_drift": "retrain", "retrain": {"config": config, "least_labels": 100}}
    return JobConfig.model_validate(
        {
            "pipeline": "monitoring",
            "model": {"name": "colours", "input_size": [16, 16]},
            "monitoring": {**values, **changes},
        }
    )


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    def unknown(tag: str) -> Path:
        raise BundleError(f"no {tag}")

    monkeypatch.setattr(retrain, "bundle_folder", unknown)
    images = write_images(tmp_path / "images", 2, ("train", "validation"))
    world = World(images, _job(_training(tmp_path / "train.yaml", images)))
    monkeypatch.setattr(retrain, "count_new_labels", world.count)
    return world


def test_it_trains_once_there_are_enough_labels(world: World) -> None:
    assert world.look(99) == (
        f"{NOTHING}99 true labels came since it was made, and retrain.least_labels is 100; give "
        "feedback on its predictions"
    )
    assert world.started == []

    done = world.look(100)

    assert isinstance(done, RunReport)
    [job] = world.started
    assert (job.pipeline, job.model.name) == ("training", "colours")


@pytest.mark.parametrize("verdict", ["ok", "too_few", "no_traffic", "error"])
def test_without_drift_there_is_nothing_to_say(world: World, verdict: str) -> None:
    assert world.look(500, verdict) == ""


@pytest.mark.parametrize("action", ["nothing", "review"])
def test_other_actions_train_nothing(world: World, action: str) -> None:
    world.job = _job(Path("missing.yaml"), on_drift=action)

    assert world.look(500) == ""
    check_retrain(world.job)
    assert world.started == []


@pytest.mark.parametrize("ends", ["completed", "failed", "stopped"])
def test_the_same_labels_start_nothing_twice_however_training_ended(
    world: World, ends: str
) -> None:
    world.ends = ends
    world.look(100)
    world.add_image()

    for n_labelled in (0, 50, 99):
        assert "since training was started for it last" in world.look(n_labelled)
    assert len(world.started) == 1

    assert isinstance(world.look(100), RunReport)
    assert len(world.started) == 2


def test_labels_count_from_the_last_start_of_the_version_on(world: World) -> None:
    """Steady feedback: as many in every period, all of them new."""
    before = datetime.now(UTC)
    for _ in range(3):
        assert isinstance(world.look(120), RunReport)
        world.add_image()
    world.look(0, version="v2")

    first, second, third, other = world.asked
    assert first is other is None
    assert second is not None
    assert third is not None
    assert before < second < third < datetime.now(UTC)
    assert len(world.started) == 3


@pytest.mark.fault
def test_training_that_dies_is_not_started_again(world: World) -> None:
    def die(job: JobConfig) -> RunReport:
        raise KeyboardInterrupt

    world.n_labelled = 100
    with pytest.raises(KeyboardInterrupt):
        maybe_retrain(world.job, report(("v1", "drift")), die)

    assert "since training was started for it last" in world.look(99)
    assert world.started == []


@pytest.mark.fault
def test_training_that_fails_is_told_and_so_is_its_end(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alerts = tmp_path / "alerts.jsonl"
    config = world.job.monitoring.retrain.config
    world.job = _job(config, alerts=[{"kind": "file", "path": alerts}])  # type: ignore[arg-type]

    def refuse(job: JobConfig) -> RunReport:
        raise StackError("there is no stack 'locl'")

    world.n_labelled = 100
    done = maybe_retrain(world.job, report(("v1", "drift")), refuse)
    assert isinstance(done, RunReport)
    assert done.ending == (
        "training failed: it could not be started for colours v1: there is no stack 'locl'"
    )
    for world.ends, world.error in (("failed", "no room"), ("completed", None)):
        world.add_image()
        world.look(100)

    told = [json.loads(line) for line in alerts.read_text().splitlines()]
    assert [(each["version"], each["now"]) for each in told] == [
        ("retraining", "error"), ("retraining", "ok"),
    ]  # fmt: skip
    assert told[0]["subject"] == "colours retraining: failed"
    assert told[0]["next_move"] == (
        "it could not be started for colours v1: there is no stack 'locl'; mend that, then run it "
        f"by hand: python run.py --config {config}"
    )


def test_the_same_data_are_trained_on_once(world: World) -> None:
    world.look(100)

    again = world.look(300)

    assert again == (
        f"{NOTHING}the newest data are those that a version was trained on already; add the newly "
        "labelled images to the dataset"
    )
    # Nor for another version, such as the one that was trained.
    assert "trained on already" in world.look(500, version="v2")
    world.add_image()
    assert isinstance(world.look(300), RunReport)


@pytest.mark.parametrize("has_quarantine", [False, True])
def test_the_data_of_the_version_itself_are_no_news(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_quarantine: bool
) -> None:
    """Also where the version was trained on a part of them: they would be the same part again."""
    folder = tmp_path / "bundle"
    manifest = write_fake_bundle(folder)
    digest = load_annotations(DatasetConfig(source="folder", path=str(world.images))).digest
    digests = {"data_digest": digest}
    if has_quarantine:
        digests = {"data_digest": "d" * 64, "whole_data_digest": digest}
    lineage = manifest.lineage.model_copy(update=digests)
    kept = manifest.model_copy(update={"lineage": lineage})
    (folder / MANIFEST_FILE).write_text(kept.model_dump_json())
    monkeypatch.setattr(retrain, "bundle_folder", {"colours:v1": folder}.__getitem__)

    assert "trained on already" in world.look(100)
    world.add_image()
    assert isinstance(world.look(100), RunReport)


def test_of_several_versions_that_drifted_each_says_what_is_missing(world: World) -> None:
    found = report(("v3", "ok"), ("v2", "drift"), ("v1", "drift"))
    world.n_labelled = 10

    said = maybe_retrain(world.job, found, world.launch)

    assert isinstance(said, str)
    first, second = said.splitlines()
    assert first.startswith("nothing was trained for colours v2: 10 true labels came since")
    assert second.startswith("nothing was trained for colours v1: 10 true labels came since")


def test_a_canary_without_labels_keeps_the_served_version_from_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = {"v2": 0, "v1": 5_000}
    monkeypatch.setattr(retrain, "count_new_labels", lambda name, version, after: labels[version])

    done = maybe_retrain(world.job, report(("v2", "drift"), ("v1", "drift")), world.launch)

    assert isinstance(done, RunReport)
    assert len(world.started) == 1


def test_a_version_that_was_replaced_starts_nothing(world: World) -> None:
    world.n_labelled = 5_000
    found = report(("v2", "ok"), ("v1", "drift"), replaced="v1")

    assert maybe_retrain(world.job, found, world.launch) == ""
    assert world.started == []


def test_data_that_cannot_be_read_are_a_sentence(world: World) -> None:
    for path in world.images.rglob("*.png"):
        path.unlink()

    assert world.look(100).startswith(NOTHING)
    assert world.started == []


@pytest.mark.fault
def test_a_log_that_does_not_answer_is_a_sentence(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> int:
        raise LogError("the log does not answer")

    monkeypatch.setattr(retrain, "count_new_labels", refuse)

    assert world.look(100) == f"{NOTHING}the log does not answer"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pipeline": "evaluation"}, "its pipeline is evaluation; name a job that trains$"),
        ({"name": "cars"}, "trains 'cars'; name a job that trains 'colours'$"),
        ({"images": Path("missing")}, "no such folder"),
    ],
)
def test_a_job_that_cannot_retrain_is_refused_before_anything_runs(
    world: World, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    path = _training(tmp_path / "other.yaml", **{"images": world.images, **changes})

    with pytest.raises(ConfigError, match=said):
        check_retrain(_job(path))
    # Where it was changed after the check.
    assert maybe_retrain(_job(path), report(("v1", "drift")), world.launch).startswith(NOTHING)


@pytest.mark.fault
def test_a_damaged_memory_is_told_about(
    world: World, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.look(100)
    file = home / "monitoring" / "retrains" / "colours.json"
    file.write_text("{")

    world.look(100)

    assert "what training was started for colours was damaged; " in capsys.readouterr().err
