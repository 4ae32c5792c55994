"""What became of a deployment, as its steps have left it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zenml.models import StepRunResponse

from steps.gate_deployment import find_decision
from steps.try_candidate import find_failed_trial
from vision.bundles.rolled_out import RollOut
from vision.comparison.decision import Outcome
from vision.packages import ImageResult


@dataclass(frozen=True)
class Deployed:
    """What a pipeline run did to what is served.

    Attributes:
      outcome: of the gate, or ``stop`` where the trial stopped it; None where there was none.
      is_undone: whether the services were brought back to the version before.
      sentences: what happened, for people.
    """

    outcome: Outcome | None = None
    is_undone: bool = False
    sentences: tuple[str, ...] = ()


def find_deployed(steps: Mapping[str, StepRunResponse]) -> Deployed:
    """Returns what the steps of a pipeline run say; nothing for other pipelines."""
    gate = steps.get("gate_deployment")
    found = find_decision(gate) if gate is not None else None
    if found is None:
        return Deployed()
    outcome, sentence = found
    trial = steps.get("try_candidate")
    if trial is not None and (failed := find_failed_trial(trial)):
        return Deployed("stop", sentences=(sentence, failed))
    image = _load(steps, "build_image", "image", ImageResult)
    rolled = _load(steps, "roll_out", "roll_out", RollOut)
    sentences = [sentence]
    sentences += [image.sentence] if image else []
    sentences += [rolled.sentence] if rolled else []
    passport = steps.get("report_deployment")
    if passport is not None and passport.status.is_successful:
        [version] = passport.outputs["passport"]
        sentences.append(f"passport: {version.run_metadata.get('page', '')}")
    return Deployed(outcome, bool(rolled and rolled.is_undone), tuple(sentences))


def _load(steps: Mapping[str, StepRunResponse], name: str, output: str, kind: type[Any]) -> Any:
    step = steps.get(name)
    if step is None or not step.status.is_successful:
        return None
    [version] = step.outputs[output]
    loaded = version.load()
    assert isinstance(loaded, kind)
    return loaded
