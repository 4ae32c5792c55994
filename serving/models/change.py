"""From one active pointer to the next: what an activation and a rollback make of the history."""

from __future__ import annotations

from pathlib import Path

from serving.models.active import MAX_PREVIOUS, Active, StoredVersion
from serving.models.fault import fault_point
from serving.models.locate import is_wanted
from serving.models.state import ModelRefused
from serving.models.store import bundle_folder, bundle_tag
from vision.bundles.load import ServingModel
from vision.bundles.manifest import check_id
from vision.errors import BundleError

History = tuple[StoredVersion, ...]


def stored_version(name: str, version: str) -> StoredVersion:
    """Returns the version of that name; the store is not looked at.

    Raises:
      ModelRefused: ``bad_id``, one of them is no id, for example a path or an address.
    """
    try:
        tag = bundle_tag(check_id(name, "model name"), check_id(version, "model version"))
    except BundleError as error:
        raise ModelRefused("bad_id", str(error)) from error
    return StoredVersion(name=name, version=version, bento_model=tag)


def version_of(model: ServingModel) -> StoredVersion:
    """Returns which version a model is."""
    return stored_version(model.manifest.name, model.manifest.version)


def find_stored(stored: StoredVersion) -> Path:
    """Returns the folder of a version.

    Raises:
      ModelRefused: ``unknown``, it is not in the store.
    """
    try:
        folder = bundle_folder(stored.bento_model)
    except BundleError as error:
        raise ModelRefused("unknown", str(error)) from error
    fault_point("bundle-found")
    return folder


def history_of(active: Active | None, served: History) -> History:
    """Returns what is served and what was before it, the latest first.

    Args:
      active: the pointer; None where there is none that can be read.
      served: what this worker serves and served before, which counts where the pointer has no say.
    """
    versions = active.versions if active is not None else ()
    if active is not None and is_wanted(active.name):
        return versions
    return (*served, *versions)


def activate_version(target: StoredVersion, history: History, generation: int) -> Active:
    """Returns the pointer that makes ``target`` the active version."""
    before = history[1:] if history[:1] == (target,) else history
    return _pointer(target, before, generation)


def restore_version(history: History, generation: int) -> Active:
    """Returns the pointer that makes the version before the served one active again.

    Raises:
      ModelRefused: ``no_previous``, there is none.
    """
    for place, stored in enumerate(history):
        if place > 0 and stored != history[0] and is_wanted(stored.name):
            return _pointer(stored, history[place + 1 :], generation)
    raise ModelRefused(
        "no_previous",
        "no version was served before this one, so there is none to go back to; activate one by "
        "its name and version",
    )


def _pointer(target: StoredVersion, before: History, generation: int) -> Active:
    return Active(**target.model_dump(), generation=generation, previous=before[:MAX_PREVIOUS])
