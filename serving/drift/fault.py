"""How a test has the detectors fail: ``VISIONSTACK_DRIFT_FAULT``, read by their process only.

``raise`` raises, ``nan`` gives a p-value that is no number, ``hang`` never ends, ``exit`` ends the
process as a crash would, ``noise`` writes to both outputs and then works as usual; several with
commas between take turns. Nobody sets it outside tests and benchmarks.

It is part of the service, as ``serving.models.fault`` is, because what is to be shown is that the
service as it is deployed survives: a test that replaced the checking process would show that of
another program. It does nothing unless the variable is set where the service is started, and then
spoils verdicts only, and no prediction.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
import time
from dataclasses import replace

from vision.drift.result import DriftResult

FAULT_VARIABLE = "VISIONSTACK_DRIFT_FAULT"

_CRASHED = 139
_FOREVER_S = 1e6
_turns = itertools.count()


def next_fault() -> str:
    """Returns the fault of the next check; empty for none."""
    faults = os.environ.get(FAULT_VARIABLE, "").split(",")
    return faults[next(_turns) % len(faults)]


def fault_before(fault: str) -> None:
    """Fails before the detectors run, where the fault is of that kind."""
    if fault == "raise":
        raise RuntimeError("the detector was told to fail")
    if fault == "hang":
        time.sleep(_FOREVER_S)
    if fault == "exit":
        os._exit(_CRASHED)
    if fault == "noise":
        print('{"status": "no answer"}\n' * 100)
        print("x" * 100_000, file=sys.stderr)
        os.write(1, b"from a library in C\n")


def spoiled(result: DriftResult, fault: str) -> DriftResult:
    """Returns the result, without a number where the fault is of that kind."""
    if fault != "nan":
        return result
    tests = tuple(replace(each, p_value=math.nan) for each in result.tests)
    return replace(result, tests=tests)
