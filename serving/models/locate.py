"""Which bundle is served.

In this order: the folder ``VISIONSTACK_BUNDLE``; the model ``VISIONSTACK_MODEL``, either
``name:version`` or the champion of ``name``; the newest champion.
"""

from __future__ import annotations

import os
from pathlib import Path

from serving.models.store import bundle_folder, bundle_tag
from vision.bundles.champion import Champion, newest_champion, read_champion
from vision.bundles.manifest import check_id
from vision.errors import BundleError

BUNDLE_VARIABLE = "VISIONSTACK_BUNDLE"
MODEL_VARIABLE = "VISIONSTACK_MODEL"

HOW_TO_MAKE_ONE = "run `make demo`, or `python run.py --config configs/train.yaml`"


def locate_bundle() -> Path:
    """Returns the folder of the bundle to serve; its files are not looked at.

    Raises:
      BundleError: there is none; the message names the command that makes one.
    """
    if folder := os.environ.get(BUNDLE_VARIABLE):
        return Path(folder).expanduser()
    if wanted := os.environ.get(MODEL_VARIABLE):
        return _locate_model(wanted)
    champion = newest_champion()
    if champion is None:
        raise BundleError(f"there is no model to serve yet; {HOW_TO_MAKE_ONE}")
    return _stored(champion)


def _locate_model(wanted: str) -> Path:
    name, colon, version = wanted.partition(":")
    check_id(name, f"{MODEL_VARIABLE}: model name")
    if colon:
        check_id(version, f"{MODEL_VARIABLE}: model version")
        return bundle_folder(bundle_tag(name, version))
    champion = read_champion(name)
    if champion is None:
        raise BundleError(
            f"the model {name!r} of {MODEL_VARIABLE} has no champion yet; {HOW_TO_MAKE_ONE}"
        )
    return _stored(champion)


def _stored(champion: Champion) -> Path:
    try:
        return bundle_folder(champion.bento_model)
    except BundleError as error:
        raise BundleError(
            f"the champion of {champion.name!r} is gone: {error}; {HOW_TO_MAKE_ONE}"
        ) from error
