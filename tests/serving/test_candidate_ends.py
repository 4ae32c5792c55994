"""A candidate with an end: no request after it, and no pointer soon after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from serving.models.candidate import candidate_path
from tests.fake_bundle import NAME, VERSION
from tests.serving.conftest import MakeClient
from tests.serving.test_candidate import NEW, _ask, _counts, _try, kept, quick

pytestmark = pytest.mark.unit

__all__ = ["kept", "quick"]


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("mode", ["canary", "shadow"])
def test_a_candidate_whose_time_is_over_ends_by_itself(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    trials, clock = client.worker.trials, Clock()  # type: ignore[attr-defined]
    monkeypatch.setattr(trials, "_clock", clock)
    choice = {"name": NAME, "version": NEW, "mode": mode, "share": 1.0, "for_s": 30}
    shown = client.put("/model/candidate", json=choice).json()["candidate"]
    assert (shown["since"], shown["until"]) == ("2026-01-02T12:00:00Z", "2026-01-02T12:00:30Z")
    assert client.get("/model").json()["candidate"] == shown
    clock.pass_s(29.9)
    trials.look()
    assert trials.model_for("an-id-of-it", mode).manifest.version == NEW
    clock.pass_s(0.1)
    # No request any more, even before the pointer is looked at again.
    assert trials.model_for("an-id-of-it", mode) is None
    assert _ask(client)["model"]["version"] == VERSION
    assert client.get("/model").json()["candidate"] is None
    assert candidate_path().exists()
    trials.look()
    assert not candidate_path().exists()
    name = f'visionstack_candidate_share{{mode="{mode}",name="{NAME}",version="{NEW}"}}'
    assert _counts(client)[name] == 0


@pytest.mark.usefixtures("kept")
def test_a_candidate_that_is_set_again_goes_on(
    client: TestClient, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials, clock = client.worker.trials, Clock()  # type: ignore[attr-defined]
    other = make_client().worker.trials  # type: ignore[attr-defined]
    for each in (trials, other):
        monkeypatch.setattr(each, "_clock", clock)
    trials.propose(NAME, NEW, "canary", 1.0, 30.0)
    other.look()
    model = trials.trial.model
    clock.pass_s(20)
    trials.propose(NAME, NEW, "canary", 1.0, 30.0)
    clock.pass_s(20)
    other.look()  # the one that it has seen first has ended by now
    assert candidate_path().exists()
    assert other.trial.candidate.until == datetime(2026, 1, 2, 12, 0, 50, tzinfo=UTC)
    assert trials.trial.model is model


@pytest.mark.usefixtures("kept")
def test_without_an_end_a_candidate_stays(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _try(client, "canary", 1.0).json()["candidate"]["until"] is None
    clock = Clock()
    monkeypatch.setattr(client.worker.trials, "_clock", clock)  # type: ignore[attr-defined]
    clock.pass_s(1e9)
    client.worker.trials.look()  # type: ignore[attr-defined]
    assert _ask(client)["model"]["version"] == NEW


@pytest.mark.usefixtures("kept")
def test_a_pointer_that_cannot_be_removed_is_tried_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials, clock = client.worker.trials, Clock()  # type: ignore[attr-defined]
    monkeypatch.setattr(trials, "_clock", clock)
    trials.propose(NAME, NEW, "canary", 1.0, 30.0)
    clock.pass_s(31)

    def fail() -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr("serving.models.trial.remove_candidate", fail)
        trials.look()
    assert candidate_path().exists()
    assert trials.trial is None
    trials.look()
    assert not candidate_path().exists()
