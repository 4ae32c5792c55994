"""Tests of service.py: what it imports, and the real server that ``bentoml serve`` starts.

One server lives through the whole module: it starts without a model, is given one, and is stopped.
Every process of it notes each connection it opens and each training package it imports.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.fake_bundle import NAME, VERSION, encode_image, solid_image, write_fake_bundle
from tests.servers import free_port
from vision.home import repository

pytestmark = pytest.mark.integration

READY_S = 60.0

FORBIDDEN = (
    "deepchecks", "dvc", "imgaug", "keras", "mlflow", "pandas", "tensorflow", "zenml",
)  # fmt: skip

# Read by every Python process that has its folder on the path, before anything else runs.
SPY = f"""
import os, sys
note = open(os.environ["SPY_FILE"], "a", buffering=1)
def watch(event, arguments):
    if event == "socket.connect":
        note.write(f"connect {{arguments[1]}}\\n")
    elif event == "socket.getaddrinfo":
        note.write(f"resolve {{arguments[0]}}\\n")
    elif event == "import" and arguments[0] in {FORBIDDEN!r}:
        note.write(f"import {{arguments[0]}}\\n")
sys.addaudithook(watch)
"""


@dataclass(frozen=True)
class Server:
    """A running ``bentoml serve``."""

    process: subprocess.Popen[bytes]
    client: httpx.Client
    environment: dict[str, str]
    folder: Path

    @property
    def output(self) -> str:
        return (self.folder / "output.txt").read_text()

    @property
    def notes(self) -> list[str]:
        return (self.folder / "spy.txt").read_text().splitlines()


def wait_for(client: httpx.Client, status: int, within_s: float, says: str = "") -> httpx.Response:
    """Asks ``/readyz`` until it answers ``status`` with this text in it."""
    deadline = time.monotonic() + within_s
    last: object = "no answer"
    while time.monotonic() < deadline:
        try:
            response = client.get("/readyz")
            if response.status_code == status and says in response.text:
                return response
            last = response.text
        except httpx.TransportError as error:
            last = error
        time.sleep(0.05)
    raise AssertionError(f"/readyz did not answer {status} within {within_s} s: {last}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "spy").mkdir()
    (folder / "spy/sitecustomize.py").write_text(SPY)
    switches = ("BENTOML_DO_NOT_TRACK", "DO_NOT_TRACK", "VISIONSTACK_BUNDLE", "VISIONSTACK_MODEL")
    environment = {key: value for key, value in os.environ.items() if key not in switches} | {
        "HOME": str(folder),
        "BENTOML_HOME": str(folder / "bentoml"),
        "VISIONSTACK_HOME": str(folder / "home"),
        "PYTHONPATH": str(folder / "spy"),
        "SPY_FILE": str(folder / "spy.txt"),
    }
    port = free_port()
    command = [str(Path(sys.executable).with_name("bentoml")), "serve", "--port", str(port)]
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=repository(), env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False)
    try:
        yield Server(process, client, environment, folder)
    finally:
        client.close()
        process.terminate()
        process.wait(30)


def publish(server: Server) -> None:
    """Puts a bundle into the server's store and makes it champion, as a pipeline would."""
    write_fake_bundle(server.folder / "bundle")
    code = (
        "import sys; from pathlib import Path;"
        "from vision.environment import prepare; prepare();"
        "from serving.models.store import save_bundle;"
        "from vision.bundles.champion import Champion, write_champion;"
        "from vision.bundles.manifest import read_manifest;"
        "folder = Path(sys.argv[1]); manifest = read_manifest(folder);"
        "tag = save_bundle(folder, manifest, {});"
        "write_champion(Champion("
        "name=manifest.name, version=manifest.version, bento_model=tag))"
    )
    environment = {**server.environment, "PYTHONPATH": ""}
    command = [sys.executable, "-c", code, str(server.folder / "bundle")]
    subprocess.run(command, cwd=repository(), env=environment, check=True, timeout=60)


@pytest.fixture(scope="module")
def ready(server: Server) -> Server:
    """The same server with a champion, which it takes up by itself."""
    publish(server)
    wait_for(server.client, 200, READY_S)
    return server


def test_importing_the_service_loads_nothing_of_training() -> None:
    code = f"import sys, service; print(sorted(set({FORBIDDEN!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=repository(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "[]\n"
    assert done.stderr == ""


def test_without_a_model_it_lives_and_names_the_command(server: Server) -> None:
    # Until it has looked for one, it says that it is loading.
    wait_for(server.client, 503, READY_S, says="no model to serve yet; run `make demo`")
    assert server.client.get("/livez").status_code == 200
    assert server.process.poll() is None


def test_it_takes_up_the_first_champion_by_itself(ready: Server) -> None:
    model = {"name": NAME, "version": VERSION}
    assert ready.client.get("/readyz").json() == {"status": "ready", "model": model, "detail": ""}


def test_it_classifies_an_image(ready: Server) -> None:
    for label in ("red", "green", "blue"):
        files = {"image": ("one.png", encode_image(solid_image(label, (30, 20))))}
        response = ready.client.post("/predict", files=files)
        assert response.status_code == 200
        assert response.json()["prediction"]["label"] == label


def test_bad_input_is_refused_over_the_wire(ready: Server) -> None:
    large = {"image": ("a.png", b"x" * 22_000_000)}
    assert ready.client.post("/predict", files=large).status_code == 413
    assert ready.client.post("/predict", files={"image": ("a", b"")}).status_code == 422
    response = ready.client.post("/predict", files={"image": (None, b"http://localhost/x")})
    assert response.status_code == 400
    assert ready.client.get("/readyz").status_code == 200


def test_bentomls_own_client_works(ready: Server) -> None:
    import bentoml

    (ready.folder / "blue.png").write_bytes(encode_image(solid_image("blue")))
    with bentoml.SyncHTTPClient(str(ready.client.base_url)) as client:
        answer = client.predict(image=ready.folder / "blue.png")
    assert answer["prediction"]["label"] == "blue"


def test_metrics_are_ours_alone(ready: Server) -> None:
    text = ready.client.get("/metrics").text
    assert f'visionstack_model_info{{name="{NAME}",version="{VERSION}"}} 1.0' in text
    assert "bentoml_" not in text


def test_no_process_of_it_loads_training_or_calls_home(ready: Server) -> None:
    assert [note for note in ready.notes if note.startswith("import ")] == []
    outside = [note for note in ready.notes if "127.0.0.1" not in note and "/" not in note]
    assert outside == []


def test_the_start_is_quiet(ready: Server) -> None:
    ours = [line for line in ready.output.splitlines() if "(scheme=http" not in line]
    assert all("[INFO]" in line or "Not ready: there is no model" in line for line in ours), ours
    assert len(ours) <= 5, ours


def test_it_stops_when_asked(ready: Server) -> None:
    ready.process.send_signal(signal.SIGTERM)
    assert ready.process.wait(15) == 0
    assert "Traceback" not in ready.output
