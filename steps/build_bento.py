"""Packs the service's code and its packages into a bento."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from steps.packaging import bento
from vision.bundles.build import Bundle
from vision.packages import BuiltBento
from vision.progress import say


# Not from ZenML's cache: the same inputs are the same bento in BentoML's store, which may have lost
# it, and finding it there takes no time.
@step(enable_cache=False, output_materializers="materializers.packages.BuiltBentoMaterializer")
def build_bento(bundle: Bundle) -> Annotated[BuiltBento, "bento"]:
    """Builds the bento for a bundle, with the packages of its drift backend.

    Args:
      bundle: lies beside the bento and not inside.

    Raises:
      BundleError: the bundle is not what its manifest says.
      PackagingError: BentoML failed.
    """
    built = bento.build_bento(bundle.folder)
    say(
        f"bento {built.tag}: {built.n_bytes / 1e6:.1f} MB of code, packages of {built.requirements}"
    )
    return built
