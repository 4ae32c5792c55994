"""A model store and a home of each test's own, and the service's app around the fake bundle."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from serving.access import Guard
from serving.gateway import Gateway
from serving.models import State, load_model
from serving.routes import routes_app
from serving.settings import ServiceSettings
from serving.worker import Worker
from tests.fake_bundle import write_fake_bundle


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's home, with no environment variable that chooses a model."""
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path / "home"))
    for variable in ("VISIONSTACK_BUNDLE", "VISIONSTACK_MODEL", "VISIONSTACK_SERVING_THREADS"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def store(tmp_path: Path) -> Iterator[Path]:
    """An empty BentoML model store."""
    folder = tmp_path / "models"
    folder.mkdir()
    BentoMLContainer.model_store.set(ModelStore(folder))
    yield folder
    BentoMLContainer.model_store.reset()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A complete bundle."""
    write_fake_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


MakeClient = Callable[..., TestClient]


@pytest.fixture
def make_worker() -> Iterator[Callable[..., Worker]]:
    """Makes workers whose log runs; their drift checks and model hosts do not."""
    made: list[Worker] = []

    def make(**settings: object) -> Worker:
        worker = Worker(ServiceSettings.model_validate({"require_keys": "no", **settings}))
        worker.log.start()
        made.append(worker)
        return worker

    yield make
    for worker in made:
        worker.log.stop()


def client_of(worker: Worker) -> TestClient:
    """Returns a client of the app around a worker; BentoML's own app is a stand-in."""
    app = Gateway(
        PlainTextResponse("bentoml"),
        routes=routes_app(worker),
        guard=Guard(worker.settings),
        settings=worker.settings,
        on_call=worker.on_call,
        on_request=worker.on_request,
    )
    client = TestClient(app, raise_server_exceptions=False)
    client.worker = worker  # type: ignore[attr-defined]
    return client


@pytest.fixture
def make_client(make_worker: Callable[..., Worker], bundle: Path) -> MakeClient:
    """Makes clients of a service that is ready; keywords are settings."""

    def make(**settings: object) -> TestClient:
        worker = make_worker(**settings)
        model = load_model(bundle)
        worker.host.state = State(model)
        worker.drift.follow(model)
        return client_of(worker)

    return make


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    """A client of a service with everything at its default, on loopback."""
    return make_client()
