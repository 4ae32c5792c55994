"""What may be tried beside what: another version of the model that is served."""

from __future__ import annotations

from serving.models.active import StoredVersion
from serving.models.locate import choose_bundle
from vision.bundles.load import ServingModel
from vision.errors import BundleError


def is_beside(target: StoredVersion, served: ServingModel) -> bool:
    """Tells whether a version may be tried beside the active model."""
    manifest = served.manifest
    return target.name == manifest.name and target.version != manifest.version


def not_beside(target: StoredVersion, served: ServingModel | None) -> str:
    """Returns why a version may not be tried, and the next move."""
    if served is None:
        return "no model is served yet, so nothing can be tried beside it; activate one"
    manifest = served.manifest
    return (
        f"{target.name} {target.version} cannot be tried beside {manifest.name} "
        f"{manifest.version}, which is served; name another version of {manifest.name!r}"
    )


def is_over(candidate: StoredVersion) -> bool:
    """Tells whether the pointers, which all workers follow, leave nothing to try."""
    try:
        served = choose_bundle().stored
    except BundleError:
        return False
    return served is not None and (
        served.name != candidate.name or served.version == candidate.version
    )
