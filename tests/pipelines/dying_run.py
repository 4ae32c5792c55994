"""``run.py``, which dies as by ``kill -9`` right before or after a step: ``before:promote_model``.

Run as ``python -m tests.pipelines.dying_run --config FILE``, with the moment in ``DIES_AT``.
"""

from __future__ import annotations

import os
import sys
from typing import Any

DIES_AT = "STEP_DIES_AT"
KILLED = 137


def arm() -> None:
    """Makes the step runner die at the moment that the environment names."""
    from zenml.orchestrators.step_runner import StepRunner

    when, _, step = os.environ[DIES_AT].partition(":")
    run_step = StepRunner.run

    def run(self: StepRunner, *arguments: Any, **named: Any) -> Any:
        is_here = self.configuration.name == step
        if is_here and when == "before":
            os._exit(KILLED)
        done = run_step(self, *arguments, **named)
        if is_here:
            os._exit(KILLED)
        return done

    StepRunner.run = run


if __name__ == "__main__":
    import run

    arm()
    sys.exit(run.main(sys.argv[1:]))
