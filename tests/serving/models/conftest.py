"""Workers that look at the pointers often, and what they warn of."""

from collections.abc import Callable, Iterator

import pytest

from serving.models.host import ModelHost
from tests.serving.models.versions import promote, store_version


@pytest.fixture
def make_host() -> Iterator[Callable[[], ModelHost]]:
    """Makes workers; all of them are stopped at the end."""
    hosts: list[ModelHost] = []

    def make() -> ModelHost:
        hosts.append(ModelHost(look_again_s=0.01))
        return hosts[-1]

    yield make
    for host in hosts:
        host.stop()


@pytest.fixture
def host(make_host: Callable[[], ModelHost]) -> ModelHost:
    return make_host()


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was warned of."""
    found: list[str] = []
    monkeypatch.setattr(
        "serving.models.current.logger.warning", lambda text, *words: found.append(text % words)
    )
    return found


@pytest.fixture
def idle_host() -> ModelHost:
    """A worker that serves nothing yet, in a store with v1, which is champion, v2 and v3."""
    promote("v1")
    store_version("v2")
    store_version("v3")
    return ModelHost(busy_after_s=20.0)
