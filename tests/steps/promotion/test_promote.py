"""A promotion moves everything or nothing; one after another; and carries on what died."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from serving.log.offline import open_log
from serving.log.recording import read_deployments
from serving.models.store import bundle_folder
from steps.promotion import promote as module
from steps.promotion.history import read_history
from steps.promotion.journal import Journal, locked, read_journal, write_journal
from steps.promotion.promote import promote
from tests.serving.models.versions import store_version
from tests.steps.promotion.fake_places import MODEL, FakePlace
from vision.bundles.champion import Champion, read_champion
from vision.errors import BundleError, VisionError

pytestmark = pytest.mark.integration
Places = tuple[FakePlace, FakePlace]
BEFORE = {"champion": "v1", "challenger": "v2"}


def champion() -> str:
    found = read_champion(MODEL)
    assert found is not None
    assert found.bento_model == f"{MODEL}:{found.version}"
    return found.version


def rows() -> list[tuple[str, str, str, int]]:
    with open_log() as engine:
        found = read_deployments(engine, 100)
    return [(row.action, row.model_version, row.outcome, row.generation) for row in found]


def test_everything_names_the_new_version(places: Places) -> None:
    done = promote(MODEL, "v2", places)
    assert (done.version, done.former, done.number, done.is_new) == ("v2", "v1", 1, True)
    assert champion() == "v2"
    assert [place.held for place in places] == [{"champion": "v2"}] * 2
    assert read_journal(MODEL) is None
    assert read_history(MODEL).previous == ("v1",)
    assert rows() == [("promote", "v2", "done", 1)]


def test_the_pointer_is_last(places: Places) -> None:
    seen = []
    for place in places:
        place.move = lambda *_, name=place.name: seen.append((name, champion()))  # type: ignore[method-assign]
    promote(MODEL, "v2", places)
    assert seen == [("alias", "v1"), ("stage", "v1")]
    assert champion() == "v2"


@pytest.mark.parametrize("failing", [0, 1])
def test_what_fails_is_put_back(places: Places, failing: int) -> None:
    places[failing].fails_on = {"move"}
    with pytest.raises(ConnectionError, match="does not answer"):
        promote(MODEL, "v2", places)
    assert champion() == "v1"
    assert [place.held for place in places] == [BEFORE] * 2
    assert read_journal(MODEL) is None
    assert rows() == [("promote", "v2", "refused", 1)]


def test_a_pointer_that_cannot_be_written_puts_all_back(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Champion) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_champion", refuse)
    with pytest.raises(OSError, match="No space"):
        promote(MODEL, "v2", places)
    assert [place.held for place in places] == [BEFORE] * 2
    assert places[0].calls == ["look v2", "move v2", "restore v1"]


def test_an_interrupt_puts_all_back(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: Champion) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "write_champion", interrupt)
    with pytest.raises(KeyboardInterrupt):
        promote(MODEL, "v2", places)
    assert [place.held for place in places] == [BEFORE] * 2


def test_what_cannot_be_put_back_is_left_to_the_next(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    places[0].fails_on, places[1].fails_on = {"restore"}, {"move"}
    with pytest.raises(ConnectionError):
        promote(MODEL, "v2", places)
    assert champion() == "v1"
    assert "could not be taken back (alias does not answer); the next one does it" in (
        capsys.readouterr().err
    )
    assert places[0].held == {"champion": "v2"}
    places[0].fails_on, places[1].fails_on = set(), set()
    promote(MODEL, "v3", places)
    assert [place.held for place in places] == [{"champion": "v3", "challenger": "v2"}] * 2
    assert read_history(MODEL).previous == ("v1",)


def test_a_look_that_fails_changes_nothing(places: Places) -> None:
    places[1].fails_on = {"look"}
    with pytest.raises(ConnectionError):
        promote(MODEL, "v2", places)
    assert (champion(), read_journal(MODEL)) == ("v1", None)
    assert places[0].calls == ["look v2"]


def test_what_is_not_in_the_store_is_refused(places: Places) -> None:
    with pytest.raises(BundleError, match=r"'shapes:v9' is not in the BentoML model store"):
        promote(MODEL, "v9", places)
    assert (champion(), places[0].calls) == ("v1", [])


def test_a_damaged_version_is_refused(places: Places) -> None:
    store_version("v4", MODEL)
    (bundle_folder(f"{MODEL}:v4") / "serving.onnx").write_bytes(b"changed")
    with pytest.raises(BundleError, match=r"serving\.onnx"):
        promote(MODEL, "v4", places)
    assert champion() == "v1"


def test_the_champion_stays_and_the_places_are_brought_in_line(places: Places) -> None:
    places[0].hold({"champion": "v3"})
    done = promote(MODEL, "v1", places)
    assert (done.is_new, done.former, done.number) == (False, None, 0)
    assert places[0].held == {"champion": "v1"}


def test_the_first_champion_has_none_before_it(
    places: Places, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "champions" / f"{MODEL}.json").unlink()
    assert promote(MODEL, "v2", places).former is None
    assert read_history(MODEL).previous == ()


def test_the_history_holds_each_version_once(places: Places) -> None:
    for version in ("v2", "v3", "v2", "v1"):
        promote(MODEL, version, places)
    assert read_history(MODEL).previous == ("v2", "v3")
    assert read_history(MODEL).number == 4


@pytest.mark.parametrize("pointer_moved", [True, False])
def test_what_died_is_carried_on_or_taken_back(
    places: Places, pointer_moved: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    places[0].hold({"champion": "v2"})
    died = Journal(
        action="promote", model=MODEL, to="v2", former="v1", number=1, before={"alias": BEFORE}
    )
    write_journal(died)
    if pointer_moved:
        module.move_pointer(died)
    with locked(MODEL, 1):
        module.settle(MODEL, places)
    expected = {"champion": "v2"} if pointer_moved else BEFORE
    assert places[0].held == expected
    assert champion() == ("v2" if pointer_moved else "v1")
    assert read_history(MODEL).previous == (("v1",) if pointer_moved else ())
    assert rows() == [("promote", "v2", "done" if pointer_moved else "refused", 1)]
    told = ("carrying on", "did not end") if pointer_moved else ("taking back", "was interrupted")
    assert f"{told[0]}: the promotion of shapes to v2 {told[1]}" in capsys.readouterr().err


def test_two_come_one_after_another(places: Places) -> None:
    threads = [
        threading.Thread(target=promote, args=(MODEL, version, places)) for version in ("v2", "v3")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = champion()
    assert [place.held["champion"] for place in places] == [last, last]
    other = {"v2": "v3", "v3": "v2"}[last]
    assert read_history(MODEL).previous == (other, "v1")


def test_who_waits_too_long_is_told(places: Places) -> None:
    with locked(MODEL, 1):
        with pytest.raises(VisionError, match=r"another promotion or rollback of shapes has been"):
            promote(MODEL, "v2", places, within_s=0.05)
        with locked("another", 0.05):
            pass
    assert champion() == "v1"


def test_a_damaged_journal_names_the_next_move(places: Places, home: Path) -> None:
    path = home / "deployments/promotions/shapes.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(
        VisionError, match=r"shapes\.json, is damaged; delete the file, and promote"
    ):
        promote(MODEL, "v2", places)


def test_a_database_that_is_down_costs_a_sentence(
    places: Places, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VISIONSTACK_LOG_DATABASE", "postgresql://a:secret@127.0.0.1:1/b")
    promote(MODEL, "v2", places)
    assert champion() == "v2"
    told = capsys.readouterr().err
    assert "promote of shapes v2 is not recorded: the prediction log at postgresql://" in told
    assert "secret" not in told
