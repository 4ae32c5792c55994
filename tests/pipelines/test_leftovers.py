"""Which noted processes are gone; what becomes of their runs is tested with real ones."""

from __future__ import annotations

import os
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.leftovers import _is_leftover, this_process

pytestmark = pytest.mark.unit

HERE = socket.gethostname()
NOBODY = 999999999


@pytest.mark.parametrize(
    ("noted", "is_left"),
    [
        (this_process(), False),
        ({}, False),
        ({"process": {"host": HERE, "name": f"{NOBODY} 1 a-boot"}}, True),
        ({"process": {"host": HERE, "name": f"{os.getpid()} 1 a-boot"}}, True),
        ({"process": {"host": "elsewhere", "name": f"{NOBODY} 1 a-boot"}}, False),
        ({"process": {"host": HERE, "pid": os.getpid(), "started": 1.5}}, False),
        ({"process": {"host": HERE, "pid": NOBODY, "started": 1.5}}, True),
    ],
)
def test_a_run_is_left_over_where_its_process_is_gone(noted: dict[str, Any], is_left: bool) -> None:
    run: Any = SimpleNamespace(config=SimpleNamespace(extra=noted))
    assert _is_leftover(run) == is_left
