"""Which code a step's cache key counts."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from steps import caching
from steps.caching import code_digest, imported_by
from vision.home import repository

pytestmark = pytest.mark.unit

STEPS = sorted(
    path.stem
    for path in (repository() / "steps").glob("*.py")
    if "\n@step(" in path.read_text(encoding="utf-8")
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of four modules: a step that uses ``vision.a``, which uses ``vision.sub.b``."""
    files = {
        "steps/one.py": "from vision.a import f\n\ndef g():\n    import vision.late\n",
        "vision/__init__.py": "",
        "vision/a.py": "from vision.sub import b\n",
        "vision/late.py": "L = 1\n",
        "vision/sub/__init__.py": "",
        "vision/sub/b.py": "import vision.a\nB = 1\n",
        "vision/other.py": "O = 1\n",
        "materializers/shown.py": "M = 1\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(caching, "repository", lambda: tmp_path)
    return tmp_path


def test_imports_are_followed_through_the_core(project: Path) -> None:
    assert imported_by("steps.one") == {
        "steps.one", "vision", "vision.a", "vision.late", "vision.sub", "vision.sub.b",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "counts"),
    [
        ("steps/one.py", True),
        ("vision/sub/b.py", True),
        ("vision/late.py", True),
        ("vision/other.py", False),
        ("materializers/shown.py", False),
    ],
)
def test_a_change_counts_where_the_step_uses_it(project: Path, changed: str, counts: bool) -> None:
    before = code_digest("steps.one")
    path = project / changed
    path.write_text(path.read_text() + "X = 2\n")
    assert (code_digest("steps.one") != before) is counts


def test_modules_can_be_added(project: Path) -> None:
    assert "vision.other" in imported_by("steps.one", "vision.other")


def test_a_package_stands_for_its_modules(project: Path) -> None:
    inner = project / "steps/parts/inner.py"
    inner.parent.mkdir()
    (inner.parent / "__init__.py").write_text("")
    inner.write_text("I = 1\n")
    before = code_digest("steps.one", "steps.parts")
    inner.write_text("I = 2\n")
    assert code_digest("steps.one", "steps.parts") != before


def test_the_real_training_step_counts_the_core() -> None:
    counted = imported_by("steps.train_model")
    assert {
        "vision.training.fit", "vision.models.architectures", "vision.images.decode",
        "vision.augmentation.imgaug_policy",
    } <= counted  # fmt: skip
    assert not [name for name in counted if name.startswith(("vision.validation.checks",))]


# They read what changes without us, write files, or tell people: never taken from the cache.
UNCACHED = {
    *("read_predictions", "report_monitoring", "tell_change", "write_review"),
    *(
        "compare_models",
        "gate_deployment",
        "build_bento",
        "try_bento",
        "build_image",
        "try_candidate",
    ),
    *("promote_model", "roll_out", "report_deployment"),
}


@pytest.mark.parametrize("name", sorted(UNCACHED))
def test_what_reads_or_acts_anew_is_never_taken_from_the_cache(name: str) -> None:
    step = getattr(importlib.import_module(f"steps.{name}"), name)
    assert step.configuration.enable_cache is False


@pytest.mark.parametrize("name", sorted(set(STEPS) - UNCACHED))
def test_every_other_step_is_cached_by_content(name: str) -> None:
    module = importlib.import_module(f"steps.{name}")
    policy = getattr(module, name).configuration.cache_policy
    assert policy.cache_func.import_path == f"steps.{name}.code"
    assert policy.include_artifact_values
    assert len(module.code()) == 64
