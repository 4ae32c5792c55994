"""Tries the challenger beside the champion on running services, before it is promoted."""

from __future__ import annotations

from typing import Annotated

from zenml import log_metadata, step
from zenml.models import StepRunResponse

from serving.log.recording import record_deployment
from steps.rollout.deploy import try_first
from steps.rollout.records import write_down
from steps.rollout.service_client import Version, find_services
from steps.rollout.try_beside import end_left_over
from vision.bundles.build import Bundle
from vision.bundles.rolled_out import RollOut
from vision.config.deployment import DeploymentConfig
from vision.errors import GateStopped
from vision.progress import say

_NOTE = "failed_trial"


class TrialFailed(GateStopped):
    """The challenger did badly on running services; nothing was promoted."""

    def __init__(self, sentence: str) -> None:
        super().__init__(())
        self.args = (sentence,)


# Never from the cache: it is about services that run now.
@step(enable_cache=False, output_materializers="materializers.rollout.RollOutMaterializer")
def try_candidate(bundle: Bundle, deployment: DeploymentConfig) -> Annotated[RollOut, "trial"]:
    """Gives the challenger its share of the requests, as a shadow or a canary, and watches it.

    Args:
      bundle: of a version that is in the model store of the services.
      deployment: which share, how long, and what is tolerated; without one nothing is tried, and
        what is still tried of the model is ended.

    Raises:
      ConfigError: the variable with the admin key is not set.
      TrialFailed: it did worse than is tolerated.
    """
    version = Version(bundle.manifest.name, bundle.manifest.version)
    found = try_first(version, deployment)
    if found.mode == "all" and deployment.target == "local":
        # An earlier one may have been killed, or somebody has forgotten theirs.
        services = find_services(deployment.services, deployment.admin_key_from)
        for sentence in end_left_over(version.name, services):
            say(sentence)
    if found.mode != "all":
        write_down(found, 0, record_deployment)
        say(found.sentence)
    if found.is_undone:
        log_metadata({_NOTE: found.sentence})
        raise TrialFailed(found.sentence)
    return found


def find_failed_trial(step_run: StepRunResponse) -> str:
    """Returns why a trial stopped the deployment; empty where none did."""
    return str(step_run.run_metadata.get(_NOTE, ""))
