"""Two revisions of a real DVC repository: trained on, compared, damaged and healed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from zenml.client import Client

import run
from pipelines.launch import launch
from tests.dvc_repositories import Workspace, flip_bit, make_workspace, state_of
from tests.synthetic import COLOURS
from vision.config.load import load_job
from vision.datasets.table import AnnotationTable

pytestmark = [pytest.mark.integration, pytest.mark.slow]

N_PER_CLASS = 40
EXTENSIONS = ("png", "jpg", "webp", "bmp")
N_RELABELLED = 30
JOB = """\
pipeline: training
model: {{name: revised, input_size: [16, 16]}}
dataset:
  {{source: dvc, path: {path}, subfolder: images, revision: v1,
   split: {{validation: 0.4, test: 0.15}}}}
validation: {{suites: []}}
training: {{epochs: 1, batch_size: 16}}
bundle: {{n_reference: 40, n_golden: 3}}
drift: {{backend: scipy, windows: [20], every_n: 20, n_draws: 1000, n_power_images: 0}}
"""


@dataclass(frozen=True)
class Versions:
    """A repository with v1 and v2, and a job that reads it."""

    workspace: Workspace
    commits: dict[str, str]
    job: str


def _draw(folder: Path) -> None:
    """Draws coloured noise in four file formats, a folder for each class."""
    rng = np.random.default_rng(7)
    for label, colour in COLOURS.items():
        (folder / label).mkdir(parents=True)
        for number in range(N_PER_CLASS):
            image = np.clip(np.array(colour) + rng.normal(0, 25, (24, 20, 3)), 0, 255)
            name = f"{number:03d}.{EXTENSIONS[number % len(EXTENSIONS)]}"
            cv2.imwrite(str(folder / label / name), image.astype(np.uint8)[:, :, ::-1])


def _rearrange(folder: Path) -> None:
    """Puts the images into splits, calls red crimson, and relabels 30 blue ones as green."""
    for label in COLOURS:
        for number, path in enumerate(sorted((folder / label).iterdir())):
            split = ("train", "validation", "test")[(number % 10 >= 6) + (number % 10 == 9)]
            name = {"red": "crimson"}.get(label, label)
            is_relabelled = label == "blue" and number < N_RELABELLED
            target = folder / split / ("green" if is_relabelled else name)
            target.mkdir(parents=True, exist_ok=True)
            path.rename(target / f"{label}-{path.name}")
        (folder / label).rmdir()


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    place = tmp_path_factory.mktemp("revisions")
    made = make_workspace(place)
    images = made.root / "images"
    _draw(images)
    made.add("images")
    made.push()
    commits = {"v1": made.commit("v1")}
    _rearrange(images)
    made.add("images")
    made.push()
    commits["v2"] = made.commit("v2")
    job = place / "job.yaml"
    job.write_text(JOB.format(path=made.root))
    return Versions(made, commits, str(job))


def test_two_revisions_are_trained_on_and_leave_the_checkout_alone(versions: Versions) -> None:
    workspace = versions.workspace
    mine = workspace.root / "images" / "train" / "green" / "mine.png"
    mine.write_bytes(b"not committed yet")
    before = state_of(workspace.root)
    job = Path(versions.job)
    first = launch(load_job(job, ["dataset.revision=v1"]))
    assert first.status == "completed", first.error
    refused = launch(load_job(job, ["dataset.revision=v2"]))
    assert refused.status == "stopped", "a class was renamed since the champion was trained"
    failed = [gate.sentence for gate in refused.gates if not gate.passed]
    assert failed == ["class_changes = 1, required <= 0"]
    meant = ["dataset.revision=v2", "validation.allow_class_changes=true"]
    second = launch(load_job(job, meant))
    assert second.status == "completed", second.error
    for report, tag, classes in (
        (first, "v1", ["blue", "green", "red"]),
        (second, "v2", ["blue", "crimson", "green"]),
    ):
        run_ = Client().get_pipeline_run(str(report.pipeline_run.id))
        [[artifact]] = run_.steps["load_dataset"].outputs.values()
        noted = artifact.run_metadata
        assert noted["classes"] == classes
        assert noted["source"]["commit"] == versions.commits[tag]
        assert noted["source"]["dir_hash"].endswith(".dir")
        assert noted["source"]["n_files"] == str(3 * N_PER_CLASS)
        assert noted["source"]["remote"].startswith("store ")
        _check_tracking(str(report.tracking_run.id), tag, versions.commits[tag])
        table = artifact.load()
        assert isinstance(table, AnnotationTable)
        assert workspace.root not in table.root.parents
        assert len(table) == 3 * N_PER_CLASS
    assert state_of(workspace.root) == before, "bytes, times and links of every file"
    mine.unlink()


def _check_tracking(run_id: str, tag: str, commit: str) -> None:
    import mlflow

    tracker = Client().active_stack.experiment_tracker
    assert tracker is not None
    client = mlflow.MlflowClient(tracking_uri=tracker.get_tracking_uri())  # type: ignore[attr-defined]
    tracked = client.get_run(run_id)
    assert tracked.data.tags["dataset_commit"] == commit
    assert tracked.data.tags["dataset_dir_hash"].endswith(".dir")
    [given] = tracked.inputs.dataset_inputs
    assert given.dataset.name == f"repository@{tag}"


def test_diff_tells_exactly_what_changed(
    versions: Versions, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "changes.csv"
    arguments = ["data", "diff", "v1", "v2", "--config", versions.job, "--output", str(rows)]
    assert run.main(arguments) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("120 images before, 120 after\n")
    assert "\n30 images with another label\n" in shown
    assert "\n  red -> crimson (40 images)\n" in shown
    import pandas as pd

    listed = pd.read_csv(rows)
    relabelled = listed[listed["kind"] == "relabelled"]
    assert len(relabelled) == N_RELABELLED
    assert set(relabelled["label_before"]) == {"blue"}
    assert set(relabelled["label"]) == {"green"}
    assert not set(listed["kind"]) & {"added", "removed", "changed"}
    assert (listed["kind"] == "class_renamed").sum() == 1


def test_a_flipped_byte_is_found_and_healed(
    versions: Versions, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied = tmp_path / "repository"
    shutil.copytree(versions.workspace.root, copied, symlinks=True)
    workspace = Workspace(copied, versions.workspace.store)
    entry = workspace.entry("images/test/green/green-009.jpg")
    flip_bit(entry)
    bad = entry.read_bytes()
    change = ["--set", f"dataset.path={copied}", "--set", "dataset.revision=v2"]
    arguments = ["data", "heal", "--config", versions.job, *change]
    assert run.main(arguments) == 0
    shown = capsys.readouterr().out
    assert "test/green/green-009.jpg" in shown
    assert entry.read_bytes() != bad
    assert entry.read_bytes() == (copied / "images/test/green/green-009.jpg").read_bytes()
    assert run.main(arguments) == 0
    assert "test/green/green-009.jpg" not in capsys.readouterr().out


def test_the_store_holds_what_two_revisions_share_once(versions: Versions, home: Path) -> None:
    for tag in ("v1", "v2"):
        change = ["--set", f"dataset.revision={tag}"]
        preview = ["--output", str(home / f"{tag}.png")]
        assert run.main(["data", "preview", "--config", versions.job, *change, *preview]) == 0
    objects = [path for path in (home / "datasets" / "objects").rglob("*") if path.is_file()]
    assert len(objects) <= 3 * N_PER_CLASS + 2, "the images of both, and two lists of files"
