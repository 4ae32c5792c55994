"""Keeps ZenML's MLflow tracker from importing frameworks that nobody uses.

At the end of each tracked step ZenML switches MLflow's autologging off, framework by framework, and
imports each one that is installed for it: TensorFlow alone takes 400 MB and seconds. The method is
replaced on the one tracker at hand. A flavor of our own could do the same without that, but ZenML's
MLflow model registry refuses a stack whose tracker is of another flavor than ``mlflow``.
"""

from __future__ import annotations

import sys
from typing import Any

from vision.progress import say

# Those that ZenML switches off.
_FRAMEWORKS = (
    "tensorflow",
    "xgboost",
    "lightgbm",
    "statsmodels",
    "spark",
    "sklearn",
    "fastai",
    "pytorch",
)


def keep_autologging_light(tracker: Any) -> None:
    """Lets a tracker switch off only what may be on; twice is no error.

    Args:
      tracker: ZenML's MLflow tracker of the active stack, the very one that ends the step.
    """
    tracker.disable_autologging = switch_off


def switch_off() -> None:
    """Switches autologging off for the frameworks whose part of MLflow is imported.

    It cannot be on for any other: ``mlflow.<framework>.autolog`` is in that part.
    """
    for framework in _FRAMEWORKS:
        module = sys.modules.get(f"mlflow.{framework}")
        if module is None:
            continue
        try:
            module.autolog(disable=True)
        # Each framework has errors of its own; the step is done, and none of them is its fault.
        except Exception as error:  # noqa: BLE001
            say(f"autologging of {framework} could not be switched off ({error!r})")
