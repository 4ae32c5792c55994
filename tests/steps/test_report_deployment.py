"""The passport step: what it looks up, what it writes, and that nothing missing stops it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from steps import passport_sources, report_deployment, tracking
from steps.packaging.containers import PackagingError
from steps.passport_sources import (
    Installed,
    TrainingPatch,
    TrainingReports,
    find_patch,
    find_training,
    list_installed,
)
from steps.tracking import Tracker
from tests.vision.passport.samples import SBOM, make_evaluation, whole_sources
from vision.bundles.build import Bundle
from vision.bundles.manifest import Lineage
from vision.errors import StackError
from vision.passport.make import PassportSources
from vision.passport.passport import Passport
from vision.validation.report import ValidationReport

pytestmark = pytest.mark.unit

VALIDATION = ValidationReport(validator="ours")
LOCK = "requirements/service.txt"


class Recorder(Tracker):
    """Notes what is logged."""

    run_id = "1"

    def __init__(self) -> None:
        self.logged: dict[str, bytes] = {}
        self.tags: dict[str, str] = {}

    def log_file(self, name: str, content: bytes) -> None:
        self.logged[name] = content

    def log_tags(self, tags: Any) -> None:
        self.tags.update(tags)


def has_run(monkeypatch: pytest.MonkeyPatch, **outputs: Callable[[], Any]) -> None:
    """Lets ZenML know one pipeline run, whose steps have made these."""
    steps = {
        name: SimpleNamespace(outputs={"report": [SimpleNamespace(load=load)]})
        for name, load in outputs.items()
    }
    client = SimpleNamespace(get_pipeline_run={"pipe1": SimpleNamespace(steps=steps)}.__getitem__)
    monkeypatch.setattr(passport_sources, "Client", lambda: client)


def test_the_reports_of_the_training_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    report = make_evaluation()
    has_run(monkeypatch, validate_dataset=lambda: VALIDATION, evaluate_model=lambda: report)
    found = find_training("pipe1")
    assert found.validation is VALIDATION
    assert found.evaluation is report


def test_what_is_gone_is_said_and_not_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone() -> None:
        raise FileNotFoundError("report.json")

    has_run(monkeypatch, evaluate_model=gone, validate_dataset=lambda: "something else")
    for pipeline_run in ("pipe1", "another"):
        found = find_training(pipeline_run)
        assert (found.validation, found.evaluation) == (None, None)
    said = capsys.readouterr()
    assert "what evaluate_model of the training has found is not known (FileNotFound" in (
        said.out + said.err
    )
    assert find_training(None).evaluation is None


DIRTY = Lineage(git_is_dirty=True, tracking_run="run1")


def test_the_changes_of_the_training_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {("run1", "code/dirty.patch"): "-ä\n".encode() + b"\xff"}
    monkeypatch.setattr(tracking, "read_file", lambda *asked: files[asked])
    assert find_patch(DIRTY) == TrainingPatch("-ä\n\ufffd")
    # Nothing is asked for where nothing was changed, or nobody knows.
    monkeypatch.delattr(tracking, "read_file")
    for is_dirty in (False, None):
        lineage = Lineage(git_is_dirty=is_dirty, tracking_run="run1")
        assert find_patch(lineage) == TrainingPatch()


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (
            StackError("the tracking run run1 has no file code/dirty.patch"),
            "The changes cannot be read: the tracking run run1 has no file code/dirty.patch.",
        ),
        (
            ConnectionError("no route\nto the tracker"),
            "The tracking run run1 cannot be read: no route\\nto the tracker.",
        ),
    ],
)
def test_why_changes_cannot_be_read_is_said(
    error: Exception,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: str) -> bytes:
        raise error

    monkeypatch.setattr(tracking, "read_file", fail)
    assert find_patch(DIRTY) == TrainingPatch(why=why)
    said = capsys.readouterr()
    assert f"the code of the training is not wholly known. {why}" in said.out + said.err


def test_without_a_tracking_run_changes_are_not_known() -> None:
    assert find_patch(Lineage(git_is_dirty=True)) == TrainingPatch(
        why="The training had no tracking run, and nothing else keeps its changes."
    )


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with a single package, as the test of the bento leaves one."""
    info = tmp_path / "environment/lib/python3.11/site-packages/numpy-1.26.4.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: numpy\nVersion: 1.26.4\nLicense-Expression: MIT\n")
    asked: list[Path] = []

    def make(requirements: Path) -> SimpleNamespace:
        asked.append(requirements)
        return SimpleNamespace(folder=tmp_path / "environment")

    monkeypatch.setattr(passport_sources, "make_environment", make)
    return tmp_path


def test_what_is_installed_is_listed(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passport_sources.importlib.util, "find_spec", lambda _: object())
    monkeypatch.setattr(
        passport_sources, "sbom_of", lambda folders, locked, *names: f"{len(folders)} {names}"
    )
    bento = whole_sources(environment / "sources").bento
    assert bento is not None
    found = list_installed(bento)
    assert found.sbom == b"1 ('visionstack', 'abc')"
    assert found.licences is not None
    assert found.licences.passed


def test_without_the_library_there_is_no_sbom(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passport_sources.importlib.util, "find_spec", lambda _: None)
    bento = whole_sources(environment / "sources").bento
    assert bento is not None
    found = list_installed(bento)
    assert found.sbom is None
    assert found.licences is not None


def test_without_an_environment_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(_: Path) -> None:
        raise PackagingError("uv is not installed")

    monkeypatch.setattr(passport_sources, "make_environment", make)
    bento = whole_sources(tmp_path).bento
    assert bento is not None
    assert list_installed(bento) == Installed()


def report(sources: PassportSources, **changed: Any) -> tuple[Passport, str]:
    """Runs the step with what the pipeline hands it."""
    assert sources.bento is not None
    handed = {
        "bundle": Bundle(sources.bundle, sources.manifest),
        "table": sources.table,
        "comparison": sources.comparison,
        "decision": sources.decision,
        "bento": sources.bento.model_copy(update={"requirements": LOCK}),
        "bento_test": sources.bento_test,
        "image": sources.image,
        "promoted": sources.promotion,
        "rolled_out": sources.rollout,
    }
    made: tuple[Passport, str] = report_deployment.report_deployment.entrypoint(
        **{**handed, **changed}
    )
    return made


def test_the_step_writes_files_and_logs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path / "home"))
    sources = whole_sources(tmp_path)
    recorder, noted = Recorder(), {}
    sbom = json.dumps(SBOM).encode()
    monkeypatch.setattr(tracking, "current", lambda: recorder)
    monkeypatch.setattr(
        report_deployment,
        "find_training",
        lambda run: TrainingReports(evaluation=make_evaluation() if run == "pipe1" else None),
    )
    monkeypatch.setattr(report_deployment, "list_installed", lambda _: Installed(sbom=sbom))
    monkeypatch.setattr(tracking, "read_file", lambda *asked: " ".join(asked).encode())
    monkeypatch.setattr(report_deployment, "log_metadata", lambda **given: noted.update(given))

    passport, page = report(sources)

    assert passport.evaluation.n_images == 100
    assert passport.validation is None
    assert passport.trained_with.patch == "run1 code/dirty.patch"
    assert passport.lock is not None
    assert passport.lock.packages["numpy"]
    folder = tmp_path / "home" / "passports" / "colours"
    stem = passport.version
    assert Passport.model_validate_json((folder / f"{stem}.json").read_bytes()) == passport
    assert (folder / f"{stem}.cdx").read_bytes() == sbom
    assert page == str(folder / f"{stem}.html")
    assert recorder.logged == {
        "deployment/passport.json": (folder / f"{stem}.json").read_bytes(),
        "deployment/passport.html": Path(page).read_bytes(),
    }
    assert recorder.tags == {"model_version": f"colours/{passport.version}"}
    assert noted["metadata"] == {"tracking_run": "1", "page": page}
