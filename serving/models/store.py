"""The door to the BentoML model store: bundles in, folders out.

A bundle lies in the folder ``bundle`` of a BentoML model, because BentoML adds a file of its own
beside it and a bundle holds nothing but the files of its manifest.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import bentoml
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml.exceptions import BentoMLException, NotFound

from serving.models.fault import fault_point
from vision.bundles.files import verify_files
from vision.bundles.manifest import Manifest, read_manifest
from vision.errors import BundleError
from vision.listing import list_paths

_SUBFOLDER, _INFO_FILE, _LATEST_FILE = "bundle", "model.yaml", "latest"


def bundle_tag(name: str, version: str) -> str:
    """Returns the tag of a bundle in the store: ``name:version`` in lower case.

    Raises:
      BundleError: BentoML allows no such tag.
    """
    tag = f"{name}:{version}".lower()
    try:
        bentoml.Tag.from_str(tag)
    except (BentoMLException, ValueError) as error:
        raise BundleError(
            f"model {name!r} version {version!r} cannot be stored: BentoML wants at most 63 of "
            "a-z, 0-9, '.', '_' and '-', with a letter or digit first and last; rename the model"
        ) from error
    return tag


def save_bundle(folder: Path, manifest: Manifest, labels: Mapping[str, str]) -> str:
    """Copies a bundle into the store; a second call with the same bundle changes nothing.

    Args:
      folder: the bundle.
      manifest: its manifest.
      labels: shown by ``bentoml models get``, for example the ids of other registries.

    Returns:
      The tag, ``name:version`` in lower case.

    Raises:
      BundleError: the files differ from the manifest, the tag is taken by another bundle, or
        something that is no file is in the place of one of BentoML's.
    """
    verify_files(folder, manifest)
    tag = bundle_tag(manifest.name, manifest.version)
    _check_files_of(tag)
    if _is_stored(tag, manifest):
        return tag
    with bentoml.models.create(tag, labels=dict(labels)) as model:
        shutil.copytree(folder, Path(model.path) / _SUBFOLDER)
        fault_point("bundle-copied")
    fault_point("bundle-stored")
    return tag


def bundle_folder(tag: str) -> Path:
    """Returns the folder of a stored bundle.

    Raises:
      BundleError: there is no such bundle in the store.
    """
    missing = BundleError(
        f"model {tag!r} is not in the BentoML model store; `bentoml models list` shows what is"
    )
    try:
        model = bentoml.models.get(tag) if _is_complete(tag) else None
    except (BentoMLException, OSError, ValueError) as error:
        raise missing from error
    # BentoML also takes `latest` and the beginning of a version, which could mean another one soon.
    if model is None or str(model.tag) != tag:
        raise missing
    path = Path(model.path) / _SUBFOLDER
    if not path.is_dir():
        raise BundleError(
            f"model {tag!r} in the BentoML model store holds no bundle; store it again"
        )
    return path


def bundle_folders() -> Iterator[Path]:
    """Yields the folders of all bundles in the store, complete or not, in the order of their tags.

    BentoML's own list fails as a whole where one model of any kind is half written.
    """
    for folder in list_paths(_root(), f"*/*/{_SUBFOLDER}"):
        if folder.is_dir():
            yield folder


def _root() -> Path:
    return Path(BentoMLContainer.model_store.get()._path)


def _is_complete(tag: str) -> bool:
    """Tells whether BentoML can look at a version; where a pipe is, it would wait for ever."""
    name, _, version = tag.partition(":")
    return (_root() / name / version / _INFO_FILE).is_file()


def _check_files_of(tag: str) -> None:
    """Checks the files that BentoML opens where a version comes to others of its name."""
    versions = _root() / tag.partition(":")[0]
    for path in (versions / _LATEST_FILE, *list_paths(versions, f"*/{_INFO_FILE}")):
        if path.exists() and not path.is_file():
            raise BundleError(
                f"{path} in the BentoML model store is no plain file; remove it, and store the "
                "bundle again"
            )


def _is_stored(tag: str, manifest: Manifest) -> bool:
    """Tells whether the bundle is in the store, complete; a damaged copy of it is removed."""
    try:
        stored = bundle_folder(tag)
        found = read_manifest(stored)
        if found == manifest:
            verify_files(stored, manifest)
            return True
    except BundleError:
        # Nothing there, or what a crash in the middle of copying has left.
        _remove(tag)
        return False
    raise BundleError(
        f"the tag {tag} is taken by another bundle, made at {found.created_at.isoformat()}; "
        "names that differ in upper and lower case only are one name here, so choose another"
    )


def _remove(tag: str) -> None:
    try:
        bentoml.models.delete(tag)
    except NotFound:
        return
