"""Rolls the champion out, and takes it back where that goes wrong."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from zenml import step

from serving.log.recording import record_deployment
from steps.promotion.places import all_places
from steps.promotion.rollback import roll_back
from steps.promotion.services import HttpService, find_key
from steps.rollout.deploy import deploy
from steps.rollout.records import write_down
from steps.rollout.service_client import Version
from vision.bundles.promoted import Promoted
from vision.bundles.rolled_out import RollOut
from vision.config.deployment import DeploymentConfig
from vision.errors import VisionError
from vision.packages import ImageResult
from vision.progress import say


# Never from the cache: it is about services that run now.
@step(enable_cache=False, output_materializers="materializers.rollout.RollOutMaterializer")
def roll_out(
    promoted: Promoted, deployment: DeploymentConfig, image: ImageResult | None = None
) -> Annotated[RollOut, "roll_out"]:
    """Brings the champion to the services, watches it, and rolls everything back where it is bad.

    Args:
      promoted: the champion and the one before.
      deployment: where to, and what is tolerated.
      image: what became of the image; compose and Kubernetes start it.

    Raises:
      ConfigError: the variable with the admin key is not set.
    """
    version = Version(promoted.model, promoted.version)
    back = partial(_take_back, promoted, deployment)
    tag = image.tag if image is not None else None
    found = deploy(version, deployment, promoted.former, tag, back)
    write_down(found, promoted.number, record_deployment)
    say(found.sentence)
    return found


def _take_back(promoted: Promoted, deployment: DeploymentConfig, reason: str) -> str:
    """Makes the former champion champion again, everywhere; returns what did not work."""
    if promoted.former is None:
        return f"{promoted.version} is the first champion, so there is none to go back to"
    is_local = deployment.target == "local"
    try:
        key = find_key(deployment.admin_key_from)
        services = [HttpService(each.rstrip("/"), key) for each in deployment.services if is_local]
        done = roll_back(promoted.model, promoted.former, services, all_places())
    except VisionError as error:
        return str(error)
    return "; ".join(filter(None, [*(each.problem for each in done.served), done.waiting]))
