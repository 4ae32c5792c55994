"""A model store and a home of each test's own, and the service's app around the fake bundle."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from serving.gateway import Gateway
from serving.models.host import ModelHost, State, load_model
from serving.upload import UploadLimits
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
def make_client() -> MakeClient:
    """Makes a client of the service's app; BentoML's own app behind it is a stand-in."""

    def make(host: ModelHost, limits: UploadLimits | None = None) -> TestClient:
        app = Gateway(PlainTextResponse("bentoml"), host, limits)
        return TestClient(app, raise_server_exceptions=False)

    return make


@pytest.fixture
def ready_host(bundle: Path) -> ModelHost:
    """A host that serves the fake bundle."""
    host = ModelHost()
    host.state = State(load_model(bundle))
    return host


@pytest.fixture
def client(make_client: MakeClient, ready_host: ModelHost) -> TestClient:
    """A client of a service that is ready."""
    return make_client(ready_host)
