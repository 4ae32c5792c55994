"""Tests of serving/models/follow.py: what becomes of changed and damaged pointers."""

from collections.abc import Callable

import pytest

from serving.models.active import active_path
from serving.models.follow import Follower
from serving.models.host import ModelHost
from tests.serving.models.versions import promote, store_version
from tests.serving.models.waiting import WAIT_S, looks, version_of, wait_for, wait_for_version

pytestmark = pytest.mark.unit


def test_the_newest_champion_is_followed_where_nothing_was_activated(host: ModelHost) -> None:
    swaps: list[tuple[str, str]] = []
    host.on_change(lambda state, why: swaps.append((version_of(state), why)))
    promote("v1", day=1)
    host.start()
    wait_for_version(host, "v1")
    promote("v2", day=2)
    assert wait_for_version(host, "v2").generation == 0
    wait_for(host, lambda state: len(swaps) == 2)
    assert swaps == [("v1", "start"), ("v2", "follow")]


def test_once_a_version_was_activated_a_promotion_changes_nothing(host: ModelHost) -> None:
    promote("v1", day=1)
    host.start()
    host.wait(WAIT_S)
    host.activate("colours", "v1")
    promote("v2", day=2)
    looks(host, 10)
    assert version_of(host.state) == "v1"
    active_path().unlink()
    wait_for_version(host, "v2")


def test_mu03_every_worker_follows_an_activation(
    make_host: Callable[[], ModelHost],
) -> None:
    promote("v1")
    store_version("v2")
    workers = [make_host() for _ in range(3)]
    for worker in workers:
        worker.start()
        worker.wait(WAIT_S)
    workers[0].activate("colours", "v2")
    for worker in workers:
        assert wait_for_version(worker, "v2").generation == 1


def test_mu01_a_worker_keeps_its_model_where_the_next_is_damaged(
    make_host: Callable[[], ModelHost], warnings: list[str]
) -> None:
    promote("v1")
    folder = store_version("v2")
    one, other = make_host(), make_host()
    failures: list[str] = []
    other.on_failure(failures.append)
    for worker in (one, other):
        worker.start()
        worker.wait(WAIT_S)
    # Damaged after the first worker has verified it, as a failing disk would.
    other._follower._current.changing.acquire()
    one.activate("colours", "v2")
    (folder / "labels.json").write_bytes(b"[]")
    other._follower._current.changing.release()
    state = wait_for(other, lambda state: "labels.json was changed" in state.detail)
    looks(other)
    assert version_of(state) == "v1"
    assert state.detail.endswith("; serving colours v1 meanwhile")
    assert failures == ["files"]
    assert len([text for text in warnings if "was changed" in text]) == 1
    other.rollback()
    assert (version_of(other.state), other.state.detail) == ("v1", "")


def test_a_damaged_pointer_at_the_start_gives_the_champion(
    host: ModelHost, warnings: list[str]
) -> None:
    promote("v1")
    active_path().parent.mkdir(parents=True)
    active_path().write_text('{"name": "colours"')
    host.start()
    state = wait_for(host, lambda state: bool(state.model and state.detail))
    assert version_of(state) == "v1"
    message = (
        "the active pointer serving/active.json in the project's home is damaged (ValidationError);"
        " activate a model version, or delete the file to follow the champion; serving colours v1 "
        "meanwhile"
    )
    assert state.detail == message
    looks(host)
    assert warnings == [message]
    assert host.activate("colours", "v1").state.generation == 1
    looks(host)
    assert host.state.detail == ""


def test_a_pointer_damaged_later_changes_nothing_but_the_detail(host: ModelHost) -> None:
    promote("v1")
    store_version("v2")
    host.start()
    host.wait(WAIT_S)
    host.activate("colours", "v2")
    active_path().write_text("")
    state = wait_for(host, lambda state: "is damaged" in state.detail)
    assert (version_of(state), state.generation) == ("v2", 1)
    assert host.activate("colours", "v1").state.generation == 2


def test_an_active_bundle_that_is_gone_at_the_start_gives_the_champion(host: ModelHost) -> None:
    promote("v1")
    folder = store_version("v2")
    ModelHost().activate("colours", "v2")
    folder.rename(folder.with_name("hidden"))
    host.start()
    state = wait_for(host, lambda state: bool(state.model and state.detail))
    assert version_of(state) == "v1"
    assert state.detail.startswith("the active version of 'colours' is gone: ")
    folder.with_name("hidden").rename(folder)
    state = wait_for_version(host, "v2")
    assert (state.detail, state.generation) == ("", 1)


def test_pointers_that_did_not_change_are_not_read(
    host: ModelHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote("v1")
    follower = Follower(host._current)
    follower.look()
    calls: list[int] = []
    monkeypatch.setattr(follower, "_follow", lambda choice: calls.append(1))
    for _ in range(5):
        follower.look()
    assert calls == []
    monkeypatch.setattr("serving.models.follow.LOOK_CLOSELY_S", 0.0)
    follower.look()
    assert calls == [1]


def test_a_defect_ends_neither_the_watch_nor_what_is_served(
    host: ModelHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote("v1")
    host.start()
    host.wait(WAIT_S)

    def fail() -> None:
        raise ZeroDivisionError("planted")

    with monkeypatch.context() as planted:
        planted.setattr("serving.models.follow.choose_settled", fail)
        promote("v2", day=2)
        state = wait_for(host, lambda state: "ZeroDivisionError" in state.detail)
        assert version_of(state) == "v1"
    assert wait_for_version(host, "v2").detail == ""
