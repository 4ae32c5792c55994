"""Which predictions ``run.py simulate`` asked for: the caller's part of the request id says so."""

from __future__ import annotations

import uuid

# The service puts what a caller sends as X-Request-ID, at most 47 characters, before its own.
SIMULATED = "simulate-"


def mark() -> str:
    """Returns what a simulation sends as X-Request-ID."""
    return f"{SIMULATED}{uuid.uuid4().hex}"


def is_simulated(request_id: str) -> bool:
    """Returns whether a prediction was asked for by a simulation."""
    return request_id.startswith(SIMULATED)
