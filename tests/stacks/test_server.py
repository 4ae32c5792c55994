from __future__ import annotations

import socket
from types import SimpleNamespace

import pytest
from zenml.config.global_config import GlobalConfiguration

from stacks.server import check_server
from vision.errors import StackError


def connect_to(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    store = property(lambda self: SimpleNamespace(url=url))
    monkeypatch.setattr(GlobalConfiguration, "store_configuration", store)


def test_a_register_on_this_machine_needs_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    connect_to(monkeypatch, "sqlite:////somewhere/zenml.db")
    check_server()


def test_a_server_that_listens_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect_to(monkeypatch, f"http://127.0.0.1:{server.getsockname()[1]}")
        check_server()


def test_a_dashboard_that_was_killed_is_named_with_the_ways_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    connect_to(monkeypatch, f"http://127.0.0.1:{port}")
    with pytest.raises(StackError, match=rf"127\.0\.0\.1:{port}, which does not answer") as caught:
        check_server()
    assert str(caught.value).endswith("zenml logout")
