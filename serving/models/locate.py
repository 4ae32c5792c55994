"""Which bundle is served.

In this order: the folder ``VISIONSTACK_BUNDLE``; the model ``VISIONSTACK_MODEL``, either
``name:version``, or of ``name`` the version that was activated, else its champion; the version that
was activated; the newest champion.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from serving.models.active import StoredVersion, active_path, read_active
from serving.models.state import ModelPinned
from serving.models.store import bundle_folder, bundle_tag
from vision.bundles.champion import FOLDER as CHAMPION_FOLDER
from vision.bundles.champion import POINTERS, newest_champion, read_champion
from vision.bundles.manifest import check_id
from vision.errors import BundleError
from vision.home import home

BUNDLE_VARIABLE = "VISIONSTACK_BUNDLE"
MODEL_VARIABLE = "VISIONSTACK_MODEL"

HOW_TO_MAKE_ONE = "run `make demo`, or `python run.py --config configs/train.yaml`"

# Nobody promotes faster than a worker reads.
_MOST_LOOKS = 5

Signature = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True)
class Choice:
    """The bundle to serve; its files are not looked at.

    Attributes:
      folder: where it lies.
      stored: the version that it must be; None where only the folder was named.
      generation: of the active pointer, 0 where that had no say.
      promoted_at: when it became the champion, UTC; None where that had no say.
    """

    folder: Path
    stored: StoredVersion | None = None
    generation: int = 0
    promoted_at: datetime | None = None


def choose_bundle() -> Choice:
    """Returns the bundle to serve.

    Raises:
      BundleError: there is none, or the active pointer is damaged or names none; the message says
        what to do.
    """
    if folder := os.environ.get(BUNDLE_VARIABLE):
        return Choice(Path(folder).expanduser())
    name, version = _wanted()
    if version:
        tag = bundle_tag(name, version)
        return Choice(
            bundle_folder(tag), StoredVersion(name=name, version=version, bento_model=tag)
        )
    active = read_active()
    if active is None or not is_wanted(active.name):
        return choose_champion()
    return Choice(_find(active, "active version"), active.versions[0], active.generation)


def choose_champion() -> Choice:
    """Returns the champion, of the model in ``VISIONSTACK_MODEL`` if that names one.

    Raises:
      BundleError: there is none, or its pointer is damaged.
    """
    name, _ = _wanted()
    champion = read_champion(name) if name else newest_champion()
    if champion is None and name:
        raise BundleError(
            f"the model {name!r} of {MODEL_VARIABLE} has no champion yet; {HOW_TO_MAKE_ONE}"
        )
    if champion is None:
        raise BundleError(f"there is no model to serve yet; {HOW_TO_MAKE_ONE}")
    stored = StoredVersion.model_validate(champion.model_dump(exclude={"promoted_at"}))
    return Choice(_find(stored, "champion"), stored, promoted_at=champion.promoted_at)


def is_wanted(name: str) -> bool:
    """Tells whether ``VISIONSTACK_MODEL`` allows a model of this name."""
    return os.environ.get(MODEL_VARIABLE, "").partition(":")[0] in ("", name)


def is_pinned() -> bool:
    """Tells whether the environment names the very bundle to serve, be it a usable one or not."""
    return bool(os.environ.get(BUNDLE_VARIABLE)) or ":" in os.environ.get(MODEL_VARIABLE, "")


def check_not_pinned(name: str | None = None) -> None:
    """Checks that what is served may be changed, and may be a version of ``name`` if given.

    Raises:
      ModelPinned: the environment says otherwise.
    """
    for variable in (BUNDLE_VARIABLE, MODEL_VARIABLE):
        value = os.environ.get(variable, "")
        if value and (is_pinned() or (name is not None and not is_wanted(name))):
            raise ModelPinned(
                f"{variable} pins the served model; start the service without it, or with another "
                "value"
            )


def choose_settled() -> tuple[Choice | BundleError, Signature]:
    """Returns the bundle to serve, or why there is none, and the pointers that say so.

    A pointer may be replaced between two looks at the disk; then it is looked again.
    """
    seen = pointer_signature()
    for _ in range(_MOST_LOOKS):
        before, choice = seen, _choice_or_problem()
        seen = pointer_signature()
        if seen == before:
            break
    return choice, before


def pointer_signature() -> Signature:
    """Returns what differs after any change of a pointer; it costs a look at each of them.

    The files count and not their folder, which also changes with the temporary file of a change
    that is still to come.
    """
    champions = sorted((home() / CHAMPION_FOLDER).glob(POINTERS))
    return tuple(map(file_signature, (active_path(), *champions)))


def file_signature(path: Path) -> tuple[int, int, int] | None:
    """Returns what differs after a file was replaced, or a folder changed; None where it is not."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _choice_or_problem() -> Choice | BundleError:
    try:
        return choose_bundle()
    except BundleError as error:
        return error


def _wanted() -> tuple[str, str]:
    """Returns name and version of ``VISIONSTACK_MODEL``, each empty where it does not say."""
    value = os.environ.get(MODEL_VARIABLE, "")
    if not value:
        return "", ""
    name, colon, version = value.partition(":")
    check_id(name, f"{MODEL_VARIABLE}: model name")
    if colon:
        check_id(version, f"{MODEL_VARIABLE}: model version")
    return name, version


def _find(stored: StoredVersion, what: str) -> Path:
    try:
        return bundle_folder(stored.bento_model)
    except BundleError as error:
        raise BundleError(
            f"the {what} of {stored.name!r} is gone: {error}; {HOW_TO_MAKE_ONE}"
        ) from error
