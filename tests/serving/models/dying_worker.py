"""Lets workers die in the middle of a change and says, as lines of JSON, what is left.

A process of its own, for the tests of ``test_killed.py``: it imports all it needs once, and then
forks a worker for each death and one more for each restart. Its own process opens no graph.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from vision.environment import prepare

prepare()

from serving.models.active import active_path, read_active  # noqa: E402
from serving.models.fault import FAULT_POINTS, FAULT_VARIABLE  # noqa: E402
from serving.models.host import ModelHost  # noqa: E402
from serving.models.store import save_bundle  # noqa: E402
from tests.fake_bundle import NAME, write_fake_bundle  # noqa: E402
from tests.serving.models.versions import promote, store_version  # noqa: E402
from vision.bundles.manifest import Manifest  # noqa: E402

VERSIONS = ("v1", "v2", "v3")
WAIT_S = 30.0


def in_worker(work: Callable[[], Any]) -> tuple[int, Any]:
    """Does ``work`` in a process of its own; returns its exit status and what it returned."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        with os.fdopen(writing, "w") as answer:
            json.dump(work(), answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return status, json.loads(text) if text else None


def activate(version: str, fault: str = "") -> dict[str, Any]:
    os.environ[FAULT_VARIABLE] = fault
    done = ModelHost(busy_after_s=WAIT_S).activate(NAME, version)
    return {"version": version, "generation": done.state.generation}


def restart() -> dict[str, Any]:
    """Starts a worker as the service would and says what it serves."""
    host = ModelHost(look_again_s=0.01)
    host.start()
    state = host.wait(WAIT_S)
    assert state.model is not None
    active = read_active()
    return {
        "version": state.model.manifest.version,
        "generation": state.generation,
        "detail": state.detail,
        "pointer": [active.version, active.generation] if active else None,
        "files": sorted(path.name for path in active_path().parent.glob("*")),
    }


def at_every_point() -> None:
    """Dies at each point of an activation in turn, restarts, and activates again."""
    for number, point in enumerate(FAULT_POINTS[2:]):
        wanted = VERSIONS[(number + 1) % 3]
        before = in_worker(restart)[1]
        status, _ = in_worker(lambda at=point, to=wanted: activate(to, fault=at))
        after = in_worker(restart)[1]
        again = in_worker(lambda to=wanted: activate(to))[1]
        final = in_worker(restart)[1]
        print(
            json.dumps(
                {
                    "point": point,
                    "wanted": wanted,
                    "status": status,
                    "before": before,
                    "after": after,
                    "again": again,
                    "final": final,
                }
            )
        )


def at_any_time() -> None:
    """Kills a worker that changes the version all the time, at moments drawn from five seeds."""
    for seed in range(5):
        draw = random.Random(seed)
        for _ in range(3):
            process = os.fork()
            if process == 0:
                host = ModelHost()
                for number in count():
                    host.activate(NAME, VERSIONS[number % 3])
            time.sleep(draw.uniform(0.02, 0.2))
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            print(json.dumps(in_worker(restart)[1]))


def while_saving() -> None:
    """Dies while a bundle is saved, and saves it again."""
    for number, point in enumerate(FAULT_POINTS[:2]):
        with tempfile.TemporaryDirectory() as made:
            version, bundle = f"v{4 + number}", Path(made) / "bundle"
            manifest = write_fake_bundle(bundle, version=version)

            def save(fault: str, manifest: Manifest = manifest, bundle: Path = bundle) -> str:
                os.environ[FAULT_VARIABLE] = fault
                return save_bundle(bundle, manifest, {})

            status, _ = in_worker(lambda save=save, at=point: save(at))
            listed = in_worker(lambda: [each.version for each in ModelHost().stored()])[1]
            tag = in_worker(lambda save=save: save(""))[1]
            then = in_worker(lambda to=version: activate(to))[1]
        print(json.dumps({"status": status, "listed": listed, "tag": tag, "then": then}))


def all_at_once() -> None:
    """Lets ten workers activate versions at the same time."""
    ready, go = os.pipe()
    workers = []
    for number in range(10):
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(go)
            os.read(ready, 1)
            os.write(writing, json.dumps(activate(VERSIONS[number % 3])).encode())
            os._exit(0)
        os.close(writing)
        workers.append((process, reading))
    os.close(go)
    for process, reading in workers:
        with os.fdopen(reading) as answer:
            print(answer.read())
        assert os.waitpid(process, 0)[1] == 0
    print(json.dumps(in_worker(restart)[1]))


def main() -> None:
    """Prepares the store, then does what the first argument names."""
    promote("v1")
    for version in VERSIONS[1:]:
        store_version(version)
    # Else a forked worker would write once more what waits in the buffer.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    {
        "point": at_every_point,
        "time": at_any_time,
        "saving": while_saving,
        "once": all_at_once,
    }[sys.argv[1]]()


if __name__ == "__main__":
    main()
