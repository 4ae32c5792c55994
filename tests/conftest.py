"""No test touches the user's own state: every store lives in a folder of the test session.

The variables are set when this file is imported, before any test module imports a tool that reads
them, and processes that tests start inherit them.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.browser import chromium, find_chromium
from tests.demo import BIN, Demo, run_demo
from tests.servers import free_port, running
from vision.environment import prepare

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.real_image import RealImage

_SESSION = Path(tempfile.mkdtemp(prefix="visionstack-tests-"))
os.environ["VISIONSTACK_HOME"] = str(_SESSION / "home")
os.environ["ZENML_CONFIG_PATH"] = str(_SESSION / "zenml")
# A clone's .zen names its active stack; with another store ZenML would overwrite that choice.
os.environ["ZENML_REPOSITORY_PATH"] = str(_SESSION)
os.environ["ZENML_CUSTOM_SOURCE_ROOT"] = str(Path(__file__).resolve().parent.parent)
os.environ["BENTOML_HOME"] = str(_SESSION / "bentoml")
# No test may depend on a GPU, nor be changed by one.
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
prepare()
# No example fails because the machine is slow.
hypothesis.settings.register_profile("any-speed", deadline=None)
hypothesis.settings.load_profile("any-speed")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it runs in the background so, and programs that tests start inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _session_folder() -> Iterator[Path]:
    """Removes the session's folder when the last test is done."""
    yield _SESSION
    shutil.rmtree(_SESSION, ignore_errors=True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project home of the test's own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("VISIONSTACK_HOME", str(folder))
    return folder


# Not of the session: while it runs, no other test of the process can run an event loop of its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine")
    with chromium(path) as started:
        yield started


@pytest.fixture(scope="session")
def demo() -> Demo:
    """The demonstration, run once for all tests that look at it (a minute or two)."""
    return run_demo(_SESSION / "demo")


@pytest.fixture(scope="session")
def service(demo: Demo) -> Iterator[str]:
    """The address of ``bentoml serve`` with the model of the demonstration."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    serve = [str(BIN / "bentoml"), "serve", "--port", str(port)]
    log = demo.folder / "service.txt"
    with running(serve, demo.environment, log, f"{address}/readyz", within_s=60):
        yield address


@pytest.fixture(scope="module")
def real_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealImage]:
    """An image that is really built here, for all tests of a module."""
    from tests import real_image as module  # late: it imports what reads the variables above

    with module.real_image(tmp_path_factory.mktemp("image")) as built:
        yield built
