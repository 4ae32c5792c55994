"""A made-up project with real files: versions that were deployed, each some days old."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from serving.models.active import Active, StoredVersion, active_path, write_active
from serving.models.candidate import Candidate, write_candidate
from steps.packaging.image import BuiltImage
from steps.packaging.record import archive_path, write_record
from steps.promotion.approvals import answer_approval, ask_approval
from steps.promotion.files import write_kept
from steps.promotion.history import History
from steps.promotion.journal import Journal, write_journal
from steps.rollout.last import LastRollOut, note_last
from steps.upkeep.plan import Plan
from tests.vision.comparison.test_decision import make_comparison
from vision.bundles.champion import Champion, write_champion

MODEL = "digits"
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
ARCHIVE_BYTES = 1_000_000


def age(path: Path, hours: float = 48.0) -> Path:
    """Makes a file, or a folder with all that is in it, as old as that."""
    at = time.time() - hours * HOUR_S
    for each in sorted(path.rglob("*"), reverse=True) if path.is_dir() else ():
        os.utime(each, (at, at), follow_symlinks=False)
    os.utime(path, (at, at), follow_symlinks=False)
    return path


def old_file(path: Path, text: str = "x", hours: float = 48.0) -> Path:
    """Writes a file of long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return age(path, hours)


@dataclass(frozen=True)
class MadeHome:
    """Where everything lies.

    Attributes:
      root: the project's home.
      bentoml: the home of BentoML.
      temporary: the folder for temporary files.
      here: the working directory.
    """

    root: Path
    bentoml: Path
    temporary: Path
    here: Path

    def deploy(self, version: str, days: float, model: str = MODEL) -> None:
        """Leaves what a deployment leaves: bundle, archive, note, files of the roll-out, bento."""
        bundle = self.root / "bundles" / model / version
        bundle.mkdir(parents=True)
        age(bundle, days * 24)
        self.save_image(version, days, model)
        compose = self.root / "deployments" / version / "compose.yaml"
        old_file(compose, f"image: {tag(version, model)}\n", days * 24)
        age(compose.parent, days * 24)
        self.build_bento(version, {"model": model, "model_version": version}, days)

    def save_image(
        self, version: str, days: float, model: str = MODEL, labels: Mapping[str, str] | None = None
    ) -> Path:
        """Leaves archive and note of an image, and returns the archive."""
        archive = archive_path(tag(version, model))
        archive.write_bytes(b"x" * ARCHIVE_BYTES)
        says = {"visionstack.model.name": model, "visionstack.model.version": version}
        made_at = datetime.now(UTC) - timedelta(days=days)
        says["org.opencontainers.image.created"] = made_at.isoformat(timespec="seconds")
        found = says if labels is None else labels
        built = BuiltImage(tag(version, model), "sha256:0", 1, "podman", archive, found)
        age(write_record(built, self.root / "bundles" / model / version), days * 24)
        return age(archive, days * 24)

    def build_bento(self, name: str, labels: Mapping[str, str], days: float = 2.0) -> Path:
        """Leaves a bento with these labels, beside that of the project."""
        folder = self.bentoml / "bentos" / "visionstack" / name
        said = "".join(f"  {key}: {value}\n" for key, value in labels.items())
        old_file(folder / "bento.yaml", f"labels:\n  project: visionstack\n{said}")
        return age(folder, days * 24)

    def names(self, plan: Plan) -> set[str]:
        """Returns what goes, by paths relative to the project's or to BentoML's home."""
        found = set()
        for each in plan.goes:
            place = Path(each.thing.name)
            for root in (self.root, self.bentoml / "bentos", self.temporary.parent):
                if place.is_relative_to(root):
                    found.add(str(place.relative_to(root)))
                    break
            else:
                found.add(each.thing.name)
        return found


def make_home(place: Path, monkeypatch: pytest.MonkeyPatch) -> MadeHome:
    """Makes an empty project of the test's own, with no builder on the path."""
    found = MadeHome(place / "home", place / "bentoml", place / "temporary", place / "here")
    for folder in (found.root, found.temporary, found.here, place / "bin"):
        folder.mkdir()
    monkeypatch.setenv("VISIONSTACK_HOME", str(found.root))
    monkeypatch.setenv("BENTOML_HOME", str(found.bentoml))
    monkeypatch.setenv("PATH", str(place / "bin"))
    monkeypatch.setenv("TMPDIR", str(found.temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.chdir(found.here)
    return found


def deploy_eight(made: MadeHome) -> MadeHome:
    """Deploys ``v1`` to ``v8``, a day after each other, the last 12 days ago."""
    for number in range(1, 9):
        made.deploy(f"v{number}", days=20 - number)
    return made


def tag(version: str, model: str = MODEL) -> str:
    return f"visionstack:{model}-{version}-00000000"


def belongings(version: str, model: str = MODEL) -> set[str]:
    """Returns all that a deployment leaves of a version, as :meth:`MadeHome.names` says it."""
    image = f"images/visionstack-{model}-{version}-00000000"
    return {
        f"{image}.tar",
        f"{image}.json",
        f"deployments/{version}",
        f"visionstack/{version}",
    }


def make_champion(version: str, model: str = MODEL, days: float = 1.0) -> None:
    at = datetime.now(UTC) - timedelta(days=days)
    bento = f"{model}:{version}"
    write_champion(Champion(name=model, version=version, bento_model=bento, promoted_at=at))


def add_history(*previous: str, model: str = MODEL, root: Path) -> None:
    found = History(model=model, number=len(previous), last="x", previous=previous)
    write_kept(root / "deployments" / "history" / f"{model}.json", found, "it", "promotion-history")


def add_journal(to: str, former: str | None = None, before: str = "") -> None:
    held = {"alias": {"challenger": before}} if before else {}
    write_journal(
        Journal(action="promote", model=MODEL, to=to, former=former, number=2, before=held)
    )


def add_approval(version: str, answer: str | None = None) -> None:
    ask_approval(make_comparison("inconclusive", name=MODEL, challenger=version))
    if answer is not None:
        answer_approval(version, "me", approve=answer == "approved", model=MODEL)


def add_last(version: str) -> None:
    now = datetime.now(UTC)
    note_last(LastRollOut(model=MODEL, version=version, number=1, target="compose", at=now))


def add_active(version: str, *previous: str) -> None:
    active_path().parent.mkdir(parents=True, exist_ok=True)
    before = tuple(
        StoredVersion(name=MODEL, version=v, bento_model=f"{MODEL}:{v}") for v in previous
    )
    bento = f"{MODEL}:{version}"
    write_active(
        Active(name=MODEL, version=version, bento_model=bento, generation=1, previous=before)
    )


def add_candidate(version: str) -> None:
    active_path().parent.mkdir(parents=True, exist_ok=True)
    bento = f"{MODEL}:{version}"
    write_candidate(
        Candidate(name=MODEL, version=version, bento_model=bento, mode="shadow", share=0.5)
    )
