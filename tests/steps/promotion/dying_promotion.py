"""Lets promotions and rollbacks die and says, as lines of JSON, what is left, and what comes then.

A process of its own, for the tests of ``test_killed.py``: it imports all it needs once, and forks a
process for each death. The pointer, journal, history and log are real, the places are fakes.
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vision.environment import prepare

prepare()

from serving.log.offline import open_log  # noqa: E402
from serving.log.recording import read_deployments  # noqa: E402
from serving.models.fault import FAULT_VARIABLE  # noqa: E402
from serving.models.store import bundle_folder  # noqa: E402
from steps.promotion.journal import FAULT_POINTS, PLACES, read_journal  # noqa: E402
from steps.promotion.promote import check_stored, promote  # noqa: E402
from steps.promotion.rollback import roll_back  # noqa: E402
from tests.serving.models.versions import promote as make_champion  # noqa: E402
from tests.serving.models.versions import store_version  # noqa: E402
from tests.steps.promotion.fake_places import MODEL, make_places  # noqa: E402
from vision.bundles.champion import read_champion  # noqa: E402
from vision.home import home  # noqa: E402

VERSIONS = ("v1", "v2", "v3", "v4")
POINTS = (*FAULT_POINTS, *(f"{p}-moving" for p in PLACES), *(f"{p}-restoring" for p in PLACES))
ACTIONS = ("promote", "rollback")
N_SEEDS = 5
PLACE_FOLDER = Path(os.environ["VISIONSTACK_HOME"]) / "places"


def in_process(work: Callable[[], Any], kill_after_s: float | None = None) -> int:
    """Does ``work`` in a process of its own and returns its exit status."""
    process = os.fork()
    if process == 0:
        sys.stderr = io.StringIO()
        try:
            work()
        except ConnectionError:
            os._exit(3)
        except BaseException as error:  # noqa: BLE001  told to the test
            print(json.dumps({"defect": repr(error)}))
            os._exit(1)
        os._exit(0)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def change(action: str, version: str, fault: str = "", fails: bool = False) -> None:
    os.environ[FAULT_VARIABLE] = fault
    places = make_places(PLACE_FOLDER)
    if fails:
        places[1].fails_on = {"move"}
    if action == "promote":
        promote(MODEL, version, places)
    else:
        roll_back(MODEL, version, [], places)


def state() -> dict[str, Any]:
    """Returns what everything names now; the pointer must name a complete version."""
    champion = read_champion(MODEL)
    assert champion is not None
    check_stored(MODEL, champion.version)
    assert bundle_folder(champion.bento_model).is_dir()
    with open_log() as engine:
        rows = read_deployments(engine, 1_000)
    return {
        "champion": champion.version,
        "places": [place.held.get("champion") for place in make_places(PLACE_FOLDER)],
        "is_under_way": read_journal(MODEL) is not None,
        "n_left": len(list((home() / "deployments").rglob(".*.tmp"))),
        "n_rows": len(rows),
        "n_ids": len({row.deployment_id for row in rows}),
    }


def die(action: str, draw: random.Random, point: str, kill_after_s: float | None = None) -> None:
    """Lets one change die, does it again, and says what was and is."""
    before = state()
    version = draw.choice([each for each in VERSIONS if each != before["champion"]])
    # Places are put back only where one fails.
    fails = point.endswith(("restored", "restoring"))
    status = in_process(lambda: change(action, version, point, fails), kill_after_s)
    after = state()
    again = in_process(lambda: change(action, version))
    found = {"before": before["champion"], "wanted": version, "after": after["champion"]}
    print(
        json.dumps(
            {
                "action": action,
                "point": point,
                "status": status,
                "again": again,
                **found,
                "final": state(),
            }
        )
    )


def at_every_point() -> None:
    """Dies at each point of a promotion and of a rollback, with versions drawn from five seeds."""
    for seed in range(N_SEEDS):
        draw = random.Random(seed)
        for number, point in enumerate(POINTS):
            die(ACTIONS[(seed + number) % 2], draw, point)


def at_any_time() -> None:
    """Dies at moments drawn from five seeds."""
    for seed in range(N_SEEDS):
        draw = random.Random(seed)
        for _ in range(6):
            action = draw.choice(ACTIONS)
            die(action, draw, "", kill_after_s=draw.uniform(0.0, 0.12))


def twice_in_a_row() -> None:
    """Dies, and whoever comes next dies too, at any two points."""
    for seed in range(N_SEEDS):
        draw = random.Random(seed)
        for _ in range(4):
            for _ in range(draw.choice((1, 2))):
                version, point = draw.choice(VERSIONS), draw.choice(POINTS)
                action = draw.choice(ACTIONS)
                in_process(lambda a=action, v=version, p=point: change(a, v, p))  # type: ignore[misc]
                state()
            die(draw.choice(ACTIONS), draw, draw.choice(POINTS))


def main() -> None:
    """Prepares store and champion, then does what the first argument names."""
    for version in VERSIONS:
        store_version(version, MODEL)
    make_champion(VERSIONS[0], MODEL)
    for place in make_places(PLACE_FOLDER):
        place.hold({"champion": VERSIONS[0]})
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    change("promote", VERSIONS[1])
    {"point": at_every_point, "time": at_any_time, "twice": twice_in_a_row}[sys.argv[1]]()


if __name__ == "__main__":
    main()
