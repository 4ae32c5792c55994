"""Makes the challenger the champion, in the registry, in ZenML and for the service."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from steps.promotion.places import all_places
from steps.promotion.promote import promote
from vision.bundles.build import Bundle
from vision.bundles.promoted import Promoted
from vision.comparison.comparison import Comparison
from vision.progress import say


# Never from the cache: a rollback may have come since.
@step(enable_cache=False, output_materializers="materializers.promoted.PromotedMaterializer")
def promote_model(bundle: Bundle, comparison: Comparison) -> Annotated[Promoted, "promoted"]:
    """Moves alias, stage and champion pointer together, or none of them.

    Args:
      bundle: of a version that is in the model store.
      comparison: with the champion that it replaces; no other one may have come since.

    Raises:
      BundleError: it is not in the store.
      VisionError: the champion is another one by now, another promotion does not end, or a file
        cannot be written.
    """
    manifest = bundle.manifest
    done = promote(manifest.name, manifest.version, all_places(), expected=comparison.champion)
    change = f"before: {done.former or 'none'}" if done.is_new else "as before"
    say(f"champion of {done.model}: {done.version} ({change})")
    return done
