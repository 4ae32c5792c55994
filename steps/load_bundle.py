"""Takes a bundle out of the model store."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from serving.models.store import bundle_folder
from steps.caching import by_content, code_of
from vision.bundles.build import Bundle
from vision.bundles.manifest import read_manifest

code = code_of(__name__)


@step(
    cache_policy=by_content(__name__),
    output_materializers="materializers.bundle.BundleMaterializer",
)
def load_bundle(bento_model: str) -> Annotated[Bundle, "bundle"]:
    """Gives the bundle of one model version.

    Args:
      bento_model: ``name:version`` in the BentoML model store.

    Raises:
      BundleError: there is no such bundle.
    """
    folder = bundle_folder(bento_model)
    return Bundle(folder, read_manifest(folder))
