"""Rolls the champion out, and takes it back where that goes wrong.

A champion that was rolled out already is settled: where rolling it out once more goes wrong, it
stays the champion, and the services go back to what they served.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from zenml import step

from serving.log.recording import record_deployment
from steps.promotion.expected import tell_other
from steps.promotion.places import all_places
from steps.promotion.rollback import roll_back
from steps.promotion.services import HttpService, find_key
from steps.rollout.deploy import deploy
from steps.rollout.last import read_last, write_last
from steps.rollout.records import write_down
from steps.rollout.service_client import RollOutError, Version
from steps.rollout.targets import image_reference
from vision.bundles.promoted import Promoted
from vision.bundles.rolled_out import Outcome, RollOut
from vision.config.deployment import DeploymentConfig
from vision.errors import ConfigError, VisionError
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
    """
    began = datetime.now(UTC)
    back = None if _is_settled(promoted) else WayBack(promoted, deployment)
    try:
        found = _deploy(promoted, deployment, image, back)
    except Exception as error:
        # The champion has moved: that is never left without a way back and a row.
        found = _broken(promoted, deployment, back, error, began)
        if not isinstance(error, VisionError):
            write_down(found, promoted.number, record_deployment)
            raise
    if found.outcome == "done" and not tell_other(promoted.model, promoted.version):
        _note(found, promoted.number, deployment.services)
    write_down(found, promoted.number, record_deployment)
    say(found.sentence)
    return found


@dataclass
class WayBack:
    """Makes the former champion champion again, everywhere, and once.

    Attributes:
      promoted: the champion and the one before.
      deployment: where it was rolled out to.
      done: what was put back, as a sentence; empty as long as nothing was.
    """

    promoted: Promoted
    deployment: DeploymentConfig
    done: str = field(default="", init=False)

    def __call__(self, reason: str) -> str:
        """Takes the champion back; returns what did not work."""
        model, former = self.promoted.model, self.promoted.former
        if former is None:
            return f"{self.promoted.version} is the first champion, so there is none to go back to"
        try:
            services, places = self._services(), all_places()
            done = roll_back(model, former, services, places, only_from=self.promoted.version)
        except VisionError as error:
            return str(error)
        self.done = f"{former} is the champion again"
        return "; ".join(filter(None, [*(each.problem for each in done.served), done.waiting]))

    def _services(self) -> list[HttpService]:
        if self.deployment.target != "local":
            return []
        try:
            key = find_key(self.deployment.admin_key_from)
        except ConfigError:
            key = None  # services that follow the champion need none; the others say that they do
        return [HttpService(each.rstrip("/"), key) for each in self.deployment.services]


def _is_settled(promoted: Promoted) -> bool:
    """Tells whether this promotion was rolled out already."""
    if promoted.is_new:
        return False
    try:
        last = read_last(promoted.model)
    except VisionError as error:
        say(str(error))
        return False
    return last is not None and (last.version, last.number) == (promoted.version, promoted.number)


def _deploy(
    promoted: Promoted,
    deployment: DeploymentConfig,
    image: ImageResult | None,
    back: WayBack | None,
) -> RollOut:
    version = Version(promoted.model, promoted.version)
    reference = image_reference(image, deployment.target) if image is not None else None
    former = promoted.former if back is not None else None
    found = deploy(version, deployment, former, reference, back)
    if not found.is_undone:
        return found
    said = back.done if back is not None else ""
    if back is None and not tell_other(promoted.model, promoted.version):
        said = f"{promoted.version} stays the champion"
    return found.model_copy(update={"reason": "; ".join(filter(None, [found.reason, said]))})


def _broken(
    promoted: Promoted,
    deployment: DeploymentConfig,
    back: WayBack | None,
    error: Exception,
    began: datetime,
) -> RollOut:
    """Returns the result of a roll-out that ended with an error, after the way back."""
    reason = str(error) or type(error).__name__
    left = f"{promoted.version} stays the champion"
    if back is not None:
        left = "" if back.done else back(reason)
        is_started = not isinstance(error, (ConfigError, RollOutError))
        if not left and deployment.target != "local" and is_started:
            left = f"whether {deployment.target} has started its image is not known"
    outcome: Outcome = "failed" if left else "rolled_back"
    done = back.done if back is not None else ""
    return RollOut(
        target=deployment.target,
        model=promoted.model,
        version=promoted.version,
        outcome=outcome,
        reason="; ".join(filter(None, [reason, left, done])),
        began_at=began,
        ended_at=datetime.now(UTC),
    )


def _note(found: RollOut, number: int, services: tuple[str, ...]) -> None:
    try:
        write_last(found, number, services)
    except VisionError as error:
        say(str(error))  # what was rolled out runs all the same
