"""The real service around versions of the fake model, in a home and a store of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import free_port, running
from vision.home import repository

READY_WITHIN_S = 60

STORE = """
import sys
from tests.serving.models.versions import promote, store_version
for pair in sys.argv[1:]:
    version, scale = pair.split("=")
    store_version(version, scale=float(scale))
champion, scale = sys.argv[1].split("=")
promote(champion, scale=float(scale))
"""


@dataclass(frozen=True)
class Service:
    """A running service.

    Attributes:
      address: where it answers.
      log: what all of its processes print.
      process: the one that was started, which starts the workers.
    """

    address: str
    log: Path
    process: subprocess.Popen[bytes]

    def wait_for_line(self, text: str, n_times: int = 1) -> None:
        """Waits until the log has ``text`` so many times."""
        deadline = time.monotonic() + READY_WITHIN_S
        while self.log.read_text().count(text) < n_times:
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.05)


@contextmanager
def run_service(
    folder: Path,
    scales: Mapping[str, float],
    n_workers: int = 1,
    health: str = "/readyz",
    **variables: str,
) -> Iterator[Service]:
    """Runs the service inside the block, with all of its workers ready if ``health`` says so.

    Args:
      folder: empty; all that it writes goes there.
      scales: versions to store; the first one is the champion.
      n_workers: how many processes answer.
      health: the path that answers 200 once it is ready.
      variables: added to the environment.
    """
    inherited = {key: value for key, value in os.environ.items() if "VISIONSTACK_" not in key}
    environment = inherited | {
        "BENTOML_HOME": str(folder / "bentoml"),
        "VISIONSTACK_HOME": str(folder / "service"),
        "BENTOML_CONFIG_OPTIONS": f"services.visionstack.workers={n_workers}",
    }
    if scales:
        pairs = [f"{version}={scale}" for version, scale in scales.items()]
        command = [sys.executable, "-c", STORE, *pairs]
        subprocess.run(command, cwd=repository(), env=environment, check=True, timeout=120)
    address = f"http://127.0.0.1:{(port := free_port())}"
    log = folder / "service.txt"
    serve = [str(Path(sys.executable).with_name("bentoml")), "serve", "--port", str(port)]
    environment |= variables
    url = f"{address}{health}"
    with running(serve, environment, log, url, within_s=READY_WITHIN_S) as process:
        service = Service(address, log, process)
        if health == "/readyz":
            service.wait_for_line("(start, generation", n_workers)
        yield service
