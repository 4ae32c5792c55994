"""Which model versions this home knows, and the notes about their images.

A version is known by its bundle in ``home()/bundles``, by the note about an image of it, or by its
passport. The stores of BentoML and of the builders belong to the account and not to this home; what
is in them of versions that are not known here is another home's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from steps.packaging.containers import PackagingError
from steps.packaging.record import FOLDER as IMAGES
from steps.packaging.record import read_record
from steps.upkeep.thing import Owner, UnsureError, list_entries
from vision.bundles.manifest import read_manifest
from vision.errors import BundleError
from vision.home import home
from vision.passport.store import FOLDER as PASSPORTS

MODEL_LABEL, VERSION_LABEL = "visionstack.model.name", "visionstack.model.version"
_CREATED_LABEL = "org.opencontainers.image.created"


@dataclass(frozen=True)
class ImageNote:
    """The note about an image.

    Attributes:
      path: its file.
      owner: the model version in the image; None where the note does not say.
      archive: where it says that the archive is.
      made_at: when the version was made, in seconds of the epoch.
    """

    path: Path
    owner: Owner | None
    archive: Path | None
    made_at: float


@dataclass(frozen=True)
class Known:
    """The versions, each with when it was made, in seconds of the epoch; and the notes.

    Attributes:
      versions: by (model, version).
      notes: by the path of the note.
      unsure: folders that could not be looked at, as sentences.
    """

    versions: Mapping[Owner, float]
    notes: Mapping[Path, ImageNote]
    unsure: tuple[str, ...] = ()

    def newest(self, model: str, n: int) -> tuple[str, ...]:
        """Returns the versions of a model that were made last."""
        mine = [(at, version) for (name, version), at in self.versions.items() if name == model]
        return tuple(version for _, version in sorted(mine, reverse=True)[:n])


def find_known(root: Path) -> Known:
    """Looks for them in a project's home; a folder that is not there has none."""
    versions: dict[Owner, float] = {}
    notes: dict[Path, ImageNote] = {}
    unsure = []
    for look in (_passports, _noted, _bundles):  # who knows best when it was made comes last
        try:
            versions |= look(root, notes)
        except (UnsureError, OSError) as error:
            unsure.append(str(error))
    return Known(versions, notes, tuple(unsure))


def home_root() -> Path:
    """Returns the home without links in its path."""
    return home().resolve()


def _passports(root: Path, notes: dict[Path, ImageNote]) -> dict[Owner, float]:
    found = [path for path in _below(root / PASSPORTS) if path.suffix == ".json"]
    return {(path.parent.name, path.stem): path.stat().st_mtime for path in found}


def _noted(root: Path, notes: dict[Path, ImageNote]) -> dict[Owner, float]:
    for path in _visible(root / IMAGES):
        if path.suffix == ".json":
            notes[path] = _read_note(path)
    return {note.owner: note.made_at for note in notes.values() if note.owner is not None}


def _bundles(root: Path, notes: dict[Path, ImageNote]) -> dict[Owner, float]:
    found = [path for path in _below(root / "bundles") if path.is_dir()]
    return {(path.parent.name, path.name): _made_at(path) for path in found}


def _below(folder: Path) -> list[Path]:
    """Returns what is two folders down."""
    return [path for model in _visible(folder) if model.is_dir() for path in _visible(model)]


def _visible(folder: Path) -> list[Path]:
    entries = list_entries(folder, only_read=True)
    return [Path(entry.path) for entry in entries if not entry.name.startswith(".")]


def _read_note(path: Path) -> ImageNote:
    try:
        built, _ = read_record(path)
        name, version = built.labels.get(MODEL_LABEL), built.labels.get(VERSION_LABEL)
        created = built.labels.get(_CREATED_LABEL, "")
    except (PackagingError, AttributeError, TypeError):
        return ImageNote(path, None, None, path.stat().st_mtime)
    try:
        made_at = datetime.fromisoformat(created).timestamp()
    except ValueError:
        made_at = path.stat().st_mtime
    return ImageNote(path, (name, version) if name and version else None, built.archive, made_at)


def _made_at(bundle: Path) -> float:
    try:
        return read_manifest(bundle).created_at.timestamp()
    except (BundleError, OSError):
        return bundle.stat().st_mtime
