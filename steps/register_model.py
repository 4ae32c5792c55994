"""Gives the bundle its names: in the tracker's registry, in ZenML and in the model store."""

from __future__ import annotations

from typing import Annotated, Literal

from zenml import step

from materializers.registered_model import RegisteredModel
from serving.models.store import bundle_tag, save_bundle
from steps import tracking
from steps.caching import by_content, code_of
from steps.model_version import record_model_version
from vision.bundles.build import Bundle
from vision.bundles.champion import Champion, read_champion, write_champion
from vision.bundles.manifest import Manifest
from vision.bundles.model_card import CARD_FILE
from vision.bundles.power_file import show_power
from vision.errors import BundleError
from vision.progress import say

code = code_of(__name__)


@step(
    cache_policy=by_content(__name__),
    output_materializers="materializers.registered_model.RegisteredModelMaterializer",
)
def register_model(
    bundle: Bundle, promotes_first: bool = True
) -> Annotated[RegisteredModel, "registered_model"]:
    """Registers one version everywhere under the bundle's version; a second call adds nothing.

    The first version of a model becomes ``champion``, later ones ``challenger``. The pointer that
    the service follows is written last, when everything it leads to is in place.

    Args:
      bundle: what is registered.
      promotes_first: whether the first version becomes champion here; where the deployment follows,
        it is tried first as any other.
    """
    tracker = tracking.current()
    manifest = bundle.manifest
    alias = _alias(manifest, promotes_first)
    tag = bundle_tag(manifest.name, manifest.version)
    names = {
        "model_version": manifest.version,
        "bento_model": tag,
        "zenml_model": f"{manifest.name}/{manifest.version}",
        "tracking_run": manifest.lineage.tracking_run or tracker.run_id or "",
    }
    _log_card(tracker, bundle)
    number = tracker.register(bundle, alias, names)
    names["registry_version"] = number or ""
    model_id = record_model_version(manifest, alias, names)
    save_bundle(bundle.folder, manifest, _labels(names, alias))
    if alias == "champion":
        write_champion(Champion(name=manifest.name, version=manifest.version, bento_model=tag))
    return RegisteredModel(
        name=manifest.name,
        version=manifest.version,
        alias=alias,
        bento_model=tag,
        registry_version=number,
        pipeline_model=model_id,
        tracking_run=names["tracking_run"] or None,
        metrics=manifest.metrics,
    )


def _log_card(tracker: tracking.Tracker, bundle: Bundle) -> None:
    """Logs the model card and the page about drift; older bundles have neither."""
    if tracker.run_id is None:
        return
    if CARD_FILE in bundle.manifest.files:
        tracker.log_file(f"bundle/{CARD_FILE}", (bundle.folder / CARD_FILE).read_bytes())
    page = show_power(bundle.folder, bundle.manifest)
    if page is not None:
        tracker.log_file("bundle/drift_power.html", page.encode())


def _alias(manifest: Manifest, promotes_first: bool) -> Literal["champion", "challenger"]:
    try:
        champion = read_champion(manifest.name)
    except BundleError as error:
        say(f"{manifest.version} is registered as challenger: {error}")
        return "challenger"
    if champion is None:
        return "champion" if promotes_first else "challenger"
    return "champion" if champion.version == manifest.version else "challenger"


def _labels(names: dict[str, str], alias: str) -> dict[str, str]:
    """Returns the names as BentoML allows them: no slash, nothing empty."""
    # The alias of a version changes, labels do not; so it says what it was when registered.
    labelled = {**names, "registered_as": alias}
    return {key: value.replace("/", ".") for key, value in labelled.items() if value}
