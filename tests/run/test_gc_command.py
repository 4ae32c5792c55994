"""``run.py gc``: what is said, what is removed, and the exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import run
from tests.run.loading import loaded_by
from tests.steps.upkeep.fake_store import FakeStore
from tests.steps.upkeep.made_home import (
    MODEL,
    MadeHome,
    add_history,
    belongings,
    deploy_eight,
    make_champion,
    make_home,
    old_file,
)
from vision.home import repository

pytestmark = pytest.mark.integration


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeHome:
    """Eight versions; v2 is the champion."""
    found = deploy_eight(make_home(tmp_path, monkeypatch))
    make_champion("v2")
    return found


def there(made: MadeHome, version: str) -> bool:
    """Whether everything of a version is there; it must be all or nothing."""
    roots = (made.root, made.bentoml / "bentos")
    found = [any((root / name).exists() for root in roots) for name in belongings(version)]
    assert len(set(found)) == 1
    return found[0]


def test_as_a_user_types_it(deployed: MadeHome) -> None:
    """Listed first, then removed, then there is nothing left to remove."""
    add_history("v1", root=deployed.root)
    listed, removed, again = (_typed("gc"), _typed("gc", "--yes"), _typed("gc", "--yes"))
    assert listed.returncode == removed.returncode == again.returncode == 0, listed.stderr
    root, image = deployed.root, "images/visionstack-digits-v3-00000000"
    why = "digits v3 is not kept"
    lines = [
        f"archive {root}/{image}.tar (1.0 MB): {why}",
        f"note {root}/{image}.json (0.0 MB): {why}",
        f"roll-out files {root}/deployments/v3 (0.0 MB): {why}",
        f"bento {deployed.bentoml}/bentos/visionstack/v3 (0.0 MB): {why}",
    ]
    stays = [
        "stays: digits v1, a rollback can go back to it",
        "stays: digits v2, the champion",
        *(f"stays: digits v{number}, of the 5 newest versions" for number in range(4, 9)),
    ]
    end = "4 things, 1.0 MB; nothing was removed: `run.py gc --yes` removes them"
    assert listed.stdout.splitlines() == [*stays, *lines, end]
    assert removed.stdout.splitlines() == [
        *stays,
        *(f"removed {line}" for line in lines),
        "4 things, 1.0 MB removed",
    ]
    assert again.stdout.splitlines() == [*stays, "nothing was removed"]
    assert not there(deployed, "v3")
    assert all(there(deployed, version) for version in ("v1", "v2", "v4", "v8"))
    assert (deployed.root / "bundles" / MODEL / "v3").is_dir(), "models are never removed"


def _typed(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(repository() / "run.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_without_yes_nothing_is_touched(
    deployed: MadeHome, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _state(deployed)
    assert run.main(["gc", "--keep", "1"]) == 0
    assert _state(deployed) == before
    end = capsys.readouterr().out.splitlines()[-1]
    said = "24 things, 6.0 MB; nothing was removed: `run.py gc --keep 1 --yes` removes them"
    assert end == said


def _state(made: MadeHome) -> dict[Path, int]:
    found = [path for root in (made.root, made.bentoml) for path in (root, *root.rglob("*"))]
    return {path: path.lstat().st_mtime_ns for path in found}


def test_keep_is_at_least_one(deployed: MadeHome, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["gc", "--keep", "0", "--yes"]) == 2
    assert "0 is not in the range x>=1" in capsys.readouterr().err
    assert there(deployed, "v1")


def test_as_json(deployed: MadeHome, capsys: pytest.CaptureFixture[str]) -> None:
    old_file(deployed.root / "images" / "lost.tar", "12345")
    assert run.main(["gc", "--json", "--keep", "6"]) == 0
    listed = json.loads(capsys.readouterr().out)
    lost = {
        "kind": "archive",
        "name": str(deployed.root / "images" / "lost.tar"),
        "n_bytes": 5,
        "why": "it has no note",
    }
    assert lost in listed["goes"]
    assert len(listed["goes"]) == 5
    assert listed["n_bytes"] == sum(each["n_bytes"] for each in listed["goes"]) > 1_000_005
    assert {"model": MODEL, "version": "v2", "why": "the champion"} in listed["stays"]
    assert (listed["removed"], listed["left"], listed["problems"]) == (False, [], [])
    assert run.main(["gc", "--json", "--keep", "6", "--yes"]) == 0
    removed = json.loads(capsys.readouterr().out)
    assert {**lost, "outcome": "removed", "problem": ""} in removed["goes"]
    assert (removed["removed"], removed["n_bytes"]) == (True, listed["n_bytes"])
    assert run.main(["gc", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["goes"] == [
        {**each, "why": "digits v3 is not kept"} for each in _files(deployed, "v3")
    ]


def _files(made: MadeHome, version: str) -> list[dict[str, object]]:
    image = made.root / "images" / f"visionstack-digits-{version}-00000000"
    places = {
        "archive": image.with_suffix(".tar"),
        "note": image.with_suffix(".json"),
        "roll-out files": made.root / "deployments" / version,
        "bento": made.bentoml / "bentos" / "visionstack" / version,
    }
    sizes = [
        sum(each.stat().st_size for each in (place, *place.rglob("*")) if each.is_file())
        for place in places.values()
    ]
    return [
        {"kind": kind, "name": str(place), "n_bytes": n_bytes}
        for (kind, place), n_bytes in zip(places.items(), sizes, strict=True)
    ]


@pytest.mark.fault
def test_a_damaged_history_ends_with_1_and_removes_nothing_of_its_model(
    deployed: MadeHome, capsys: pytest.CaptureFixture[str]
) -> None:
    history = deployed.root / "deployments" / "history" / "digits.json"
    history.parent.mkdir()
    history.write_text("{")
    lost = old_file(deployed.temporary / "visionstack-image-abcd1234" / "x").parent
    os.utime(lost, (0, 0))
    assert run.main(["gc", "--yes"]) == 1
    found = capsys.readouterr()
    assert "nothing of digits is removed: the history of the champions of digits" in found.err
    assert f"removed leftover {lost} (0.0 MB): left by a process that was killed" in found.out
    assert found.out.splitlines()[-1] == "1 thing, 0.0 MB removed"
    assert not lost.exists()
    assert all(there(deployed, f"v{number}") for number in range(1, 9))


@pytest.mark.fault
def test_what_cannot_be_removed_is_said_and_ends_with_1(
    deployed: MadeHome, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = FakeStore.write(tmp_path / "bin")
    store.add_image("1" * 12, "localhost/visionstack:x-v1", MODEL, "v1")
    assert run.main(["gc"]) == 0
    assert "9 things, 2.0 MB and what the builder frees;" in capsys.readouterr().out
    store.note("refuses")
    assert run.main(["gc", "--yes"]) == 1
    found = capsys.readouterr()
    assert found.err == (
        "localhost/visionstack:x-v1 was not removed: podman: Error: image is in use\n"
    )
    assert found.out.splitlines()[-1] == "8 things, 2.0 MB removed; 1 could not be"
    assert not there(deployed, "v1")


def test_nothing_heavy_is_loaded() -> None:
    heavy = {"zenml", "mlflow", "tensorflow", "keras", "sqlalchemy"}
    assert loaded_by("import run", {*heavy, "bentoml", "steps", "serving", "psutil"}) == "[]"
    assert loaded_by("import steps.upkeep.remove", heavy) == "[]"
