"""What a pipeline is started with, beside its job: what the data and the models are now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipelines.options import champion_tag
from serving.models.store import bundle_folder, bundle_folders, bundle_tag
from steps.datasets import origin_of, read_dataset
from vision.bundles.champion import read_champion
from vision.bundles.class_changes import find_class_changes
from vision.bundles.manifest import read_manifest
from vision.bundles.reference import check_reference
from vision.config import JobConfig
from vision.datasets.load import dataset_digest
from vision.datasets.table import SEPARATOR
from vision.errors import BundleError


def digest_names(job: JobConfig) -> tuple[str, ...]:
    """Returns the names of those inputs that say what the data are."""
    if job.pipeline == "monitoring":
        return ()
    changing = {
        "training": ("weights_digest",),
        "evaluation": ("bento_model",),
        "deployment": ("bento_model",),
        "full": ("weights_digest",),
    }
    return ("data_digest", *changing.get(job.pipeline, ()))


def find_inputs(job: JobConfig) -> dict[str, Any]:
    """Returns what decides, beside the job and the code, whether steps run again.

    Raises:
      DatasetError: the data cannot be read.
      BundleError: the version to evaluate is not there.
    """
    inputs: dict[str, Any] = {}
    if job.pipeline == "monitoring":
        return inputs
    in_use = champion_tag(job.model.name)
    if job.pipeline in ("training", "full"):
        inputs = {"weights_digest": _file_digest(job.model.weights)}
    if job.pipeline == "evaluation":
        in_use = inputs["bento_model"] = _evaluated(job)
    elif job.pipeline == "deployment":
        in_use = inputs["bento_model"] = _challenger(job)
    table = read_dataset(job.images)
    # A missing split, or several classes an image, is told by the step that reads the dataset.
    is_usable = all(len(table.rows(split)) for split in job.needed_splits) and not (
        table.frame["label"].str.contains(SEPARATOR, regex=False).any()
    )
    if job.pipeline in ("training", "full") and is_usable:
        check_reference(table, job.bundle.n_reference)
    # Not the classes themselves: they are the same before the first champion and after it.
    changes = find_class_changes(bundle_folder(in_use), table) if in_use else ()
    return {
        "data_digest": dataset_digest(table),
        "data_origin": origin_of(table),
        "class_changes": changes,
        **inputs,
    }


def _file_digest(path: Path | None) -> str | None:
    if path is None:
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _challenger(job: JobConfig) -> str:
    """Returns the tag of the version to deploy: the one that is named, else the newest one."""
    name, version = job.model.name, job.deployment.version
    if version is not None:
        return _named("deployment.version", name, version)
    versions = set(_stored_versions(name))
    if not versions:
        raise BundleError(
            f"model.name = {name!r} has no version to deploy; train one with pipeline: training, "
            "or train and deploy with pipeline: full"
        )
    # A version begins with the time at which it was made.
    return bundle_tag(name, max(versions))


def _stored_versions(name: str) -> Iterator[str]:
    for folder in bundle_folders():
        # A bundle that is half written or damaged is none that could be deployed.
        with suppress(BundleError):
            manifest = read_manifest(folder)
            if manifest.name == name:
                yield manifest.version


def _named(key: str, name: str, version: str) -> str:
    tag = bundle_tag(name, version)
    try:
        bundle_folder(tag)
    except BundleError as error:
        raise BundleError(f"{key} = {version!r}: {error}") from error
    return tag


def _evaluated(job: JobConfig) -> str:
    """Returns the tag of the model version to evaluate, which is in the store."""
    name, version = job.model.name, job.evaluation.model
    if version is not None:
        return _named("evaluation.model", name, version)
    champion = read_champion(name)
    if champion is None:
        raise BundleError(
            f"model.name = {name!r} has no champion to evaluate; train one with pipeline: "
            "training, or name a version in evaluation.model"
        )
    return champion.bento_model
