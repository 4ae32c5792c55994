"""What a bento is built from, and a fake BentoML that packs it well or badly."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from steps.packaging import bento
from steps.packaging.bento import build_bento, build_from, content_digest
from steps.packaging.bento_inputs import bento_labels, drift_backend, read_inputs
from steps.packaging.containers import Called, PackagingError
from tests.drift_bundle import DRIFT, write_drift_bundle
from tests.fake_bundle import write_fake_bundle
from vision.bundles.manifest import Lineage
from vision.errors import BundleError
from vision.home import repository
from vision.provenance import CodeVersion

pytestmark = pytest.mark.unit

SERVICE = "requirements/service.txt"
HASHED = f"a==1 --hash=sha256:{'0' * 64}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small repository."""
    folder = tmp_path / "repository"
    for name in ("vision/inner/__init__.py", "serving/a.py", "steps/b.py", "service.py", SERVICE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(HASHED)
    shutil.copyfile(repository() / "bentofile.yaml", folder / "bentofile.yaml")
    return folder


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for BentoML's store, and for BentoML, which does its work well."""
    monkeypatch.setattr(bento, "_store", lambda: tmp_path / "store")
    monkeypatch.setattr(bento, "call", packing(tmp_path / "store"))
    return tmp_path / "store"


def packing(store: Path, spoil: Callable[[Path], None] = lambda _: None) -> Callable[..., Called]:
    def call(command: Sequence[str], timeout_s: float, environment: Any, _: Path) -> Called:
        root, version = Path(command[-1]), command[command.index("--version") + 1]
        described = yaml.safe_load(Path(command[command.index("--bentofile") + 1]).read_text())
        folder = store / "visionstack" / version
        for name in read_inputs(SERVICE, {}, root).files:
            (folder / "src" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, folder / "src" / name)
        for name in ("env/python", "apis"):
            (folder / name).mkdir(parents=True)
        lock = described["python"]["requirements_txt"]
        shutil.copyfile(root / lock, folder / "env/python/requirements.txt")
        (folder / "README.md").write_text("")
        labels = yaml.safe_dump({"labels": described["labels"]})
        noted = f"version: {version}\ncreation_time: '{id(folder)}'\n{labels}"
        (folder / "bento.yaml").write_text(noted)
        spoil(folder)
        assert not [name for name in environment if name == "VISIONSTACK_BUNDLE"]
        return Called(0, "", "it was said")

    return call


def test_the_bento_holds_the_service_and_nothing_of_the_pipelines() -> None:
    files = read_inputs(SERVICE, {}).files

    assert {name.split("/")[0] for name in files} == {
        *("bentofile.yaml", "service.py", "serving", "vision")
    }
    assert "serving/page/page.html" in files
    assert "vision/drift/detectors.py" in files
    assert not [name for name in files if "__pycache__" in name]


def test_the_version_is_a_digest_of_everything_that_is_packed(root: Path) -> None:
    def version(**labels: str) -> str:
        return read_inputs(SERVICE, labels, root).version

    first = version()
    assert version() == first
    assert len(first) == 16
    assert version(commit="c") != first
    (root / "steps" / "b.py").write_text("not in the bento")
    assert version() == first
    for name in ("vision/inner/__init__.py", SERVICE, "bentofile.yaml"):
        before = version()
        (root / name).write_text((root / name).read_text() + "\n# more\n")
        assert version() != before


@pytest.mark.fault
def test_a_file_that_is_missing_is_named(root: Path) -> None:
    (root / SERVICE).unlink()
    with pytest.raises(PackagingError, match=f"the bento needs .*{SERVICE}, which cannot be read"):
        read_inputs(SERVICE, {}, root)


def test_the_detectors_say_which_packages_are_needed(tmp_path: Path) -> None:
    plain = write_fake_bundle(tmp_path / "plain")
    alibi = write_drift_bundle(
        tmp_path / "alibi", drift=DRIFT.model_copy(update={"backend": "alibi"})
    )
    scipy = write_drift_bundle(tmp_path / "scipy")

    assert drift_backend(tmp_path / "plain", plain) == "scipy"
    assert drift_backend(tmp_path / "scipy", scipy) == "scipy"
    assert drift_backend(tmp_path / "alibi", alibi) == "alibi"


def test_labels_name_code_data_tracking_and_metrics(tmp_path: Path) -> None:
    manifest = write_fake_bundle(tmp_path / "bundle")
    lineage = Lineage(git_commit="a" * 40, dataset_revision="v1.2", tracking_run="t1")
    known = manifest.model_copy(
        update={"lineage": lineage, "metrics": {"accuracy": 2 / 3, "auc": None}}
    )

    assert bento_labels(known, CodeVersion("b" * 40, True, "patch")) == {
        "commit": "b" * 40,
        "commit_is_dirty": "yes",
        "model": "colours",
        "model_version": manifest.version,
        "training_commit": "a" * 40,
        "data_revision": "v1.2",
        "tracking_run": "t1",
        "metric_accuracy": "0.666667",
    }
    assert "commit" not in bento_labels(known, CodeVersion(None, None, ""))


def test_the_same_inputs_are_the_same_bento(
    root: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONSTACK_BUNDLE", "/nowhere")
    inputs = read_inputs(SERVICE, {"model": "m"}, root)
    folder = build_from(inputs)
    digest = content_digest(folder)
    (folder / "src/vision/__pycache__").mkdir()
    (folder / "src/vision/__pycache__/a.pyc").write_bytes(b"compiled when it was served")

    assert folder == store / "visionstack" / inputs.version
    assert content_digest(folder) == digest
    monkeypatch.setattr(bento, "call", None)
    assert build_from(inputs) == folder

    # Another time of building does not show, and anything else does.
    described = (folder / "bento.yaml").read_text()
    (folder / "bento.yaml").write_text(described.replace("creation_time: '", "creation_time: '9"))
    assert content_digest(folder) == digest
    (folder / "bento.yaml").write_text(described.replace("model: m", "model: n"))
    assert content_digest(folder) != digest


@pytest.mark.fault
@pytest.mark.parametrize("part", ["src/service.py", "bento.yaml", "env/python/requirements.txt"])
def test_what_a_killed_build_has_left_is_built_again(root: Path, store: Path, part: str) -> None:
    inputs = read_inputs(SERVICE, {}, root)
    folder = build_from(inputs)
    (folder / part).unlink()

    assert build_from(inputs) == folder
    assert (folder / part).is_file()


@pytest.mark.fault
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (shutil.rmtree, "is no bento with locked packages"),
        (lambda folder: (folder / "src/steps.py").write_text(""), "differs from .* in steps.py"),
        (lambda folder: (folder / "src/service.py").write_text(""), "service.py is not "),
        (
            lambda folder: (folder / "env/python/requirements.txt").write_text("a==1"),
            "has no hashes",
        ),
    ],
)
def test_a_bento_that_is_not_what_was_asked_for_is_refused(
    root: Path, store: Path, monkeypatch: pytest.MonkeyPatch, spoil: Any, said: str
) -> None:
    monkeypatch.setattr(bento, "call", packing(store, spoil))

    with pytest.raises(PackagingError, match=f"{said}(.|\n)*it was said\n`bentoml build` in the"):
        build_from(read_inputs(SERVICE, {}, root))


@pytest.mark.fault
def test_a_changed_bundle_is_not_packed(tmp_path: Path) -> None:
    write_fake_bundle(tmp_path / "bundle")
    (tmp_path / "bundle" / "labels.json").write_text('["a", "b", "c"]')

    with pytest.raises(BundleError, match=r"labels\.json"):
        build_bento(tmp_path / "bundle")
