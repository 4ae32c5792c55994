"""Tests of serving/models/change.py."""

import pytest

from serving.models.active import MAX_PREVIOUS, Active, StoredVersion
from serving.models.change import (
    activate_version,
    history_of,
    restore_version,
    stored_version,
)
from serving.models.state import ModelRefused

pytestmark = pytest.mark.unit

A, B, C = (StoredVersion(name="cats", version=each, bento_model=f"cats:{each}") for each in "abc")
DOG = StoredVersion(name="dogs", version="a", bento_model="dogs:a")


def active(first: StoredVersion, *previous: StoredVersion) -> Active:
    return Active(**first.model_dump(), generation=4, previous=previous)


def test_an_activation_puts_what_was_served_on_the_history() -> None:
    history = history_of(active(B, A), ())
    assert history == (B, A)
    following = activate_version(C, history, 5)
    assert following.versions == (C, B, A)
    assert following.generation == 5


def test_the_first_activation_remembers_the_champion() -> None:
    assert activate_version(B, history_of(None, (A,)), 1).versions == (B, A)
    assert activate_version(A, history_of(None, (A,)), 1).versions == (A,)
    assert activate_version(A, history_of(None, ()), 1).versions == (A,)


def test_the_history_does_not_grow_for_ever() -> None:
    history = (B, A) * MAX_PREVIOUS
    assert len(activate_version(C, history, 5).previous) == MAX_PREVIOUS


def test_rolling_back_again_goes_further_back() -> None:
    first = restore_version((C, B, A), 6)
    assert first.versions == (B, A)
    second = restore_version(first.versions, 7)
    assert second.versions == (A,)
    with pytest.raises(ModelRefused, match="no version was served before this one") as caught:
        restore_version(second.versions, 8)
    assert caught.value.reason == "no_previous"


def test_a_wanted_name_is_all_that_is_rolled_back_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIONSTACK_MODEL", "cats")
    assert restore_version((B, DOG, A), 6).versions == (A,)
    assert history_of(active(DOG), (B,)) == (B, DOG)


@pytest.mark.security
@pytest.mark.parametrize(
    "text",
    ["", "..", "../etc/passwd", "http://evil/x", "s3://evil/x", "a/b", "a:b", "a b", "é", "a\n",
     "x" * 65, "\0", "-a", "~", "$HOME", "%2e%2e"],
)  # fmt: skip
def test_mu07_only_ids_reach_the_store(text: str) -> None:
    for name, version in ((text, "v1"), ("cats", text)):
        if (name, version) == ("cats", "-a"):
            continue
        with pytest.raises(ModelRefused) as caught:
            stored_version(name, version)
        assert caught.value.reason == "bad_id"
