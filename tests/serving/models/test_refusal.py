"""What the sentences about signatures ask for helps at once, without a restart.

Tests of serving/models/refusal.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from serving.models.active import StoredVersion
from serving.models.candidate import Candidate, write_candidate
from serving.models.host import ModelHost
from serving.models.load import load_model
from serving.models.refusal import look_at, look_at_stored
from serving.models.trial import TrialHost
from serving.models.tried import Trial
from serving.models.trust import NO_KEYS, trusted_file
from tests.serving.models.versions import promote, store_version
from tests.serving.models.waiting import looks, wait_for, wait_for_version
from vision.bundles import signature as signing
from vision.bundles.keys import SigningKey
from vision.bundles.signature import SIGNATURE_FILE, sign_bundle
from vision.home import folder

pytestmark = [pytest.mark.unit, pytest.mark.security]

REQUIRE, TRUSTED = "VISIONSTACK_REQUIRE_SIGNATURE", "VISIONSTACK_TRUSTED_KEYS"


def make_key() -> SigningKey:
    return SigningKey(Ed25519PrivateKey.generate(), Path("nowhere"))


OURS, FOREIGN = make_key(), make_key()


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of trusted keys; it has ours."""
    path = tmp_path / "trusted"
    path.write_text(f"{OURS.public.text}\n")
    monkeypatch.setenv(REQUIRE, "yes")
    monkeypatch.setenv(TRUSTED, str(path))
    return path


@pytest.fixture
def failures(host: ModelHost) -> list[str]:
    found: list[str] = []
    host.on_failure(found.append)
    return found


def trust_the_signer(bundle: Path, trusted: Path) -> None:
    trusted.write_text(f"{OURS.public.text}\n{FOREIGN.public.text}\n")


def sign_it_again(bundle: Path, trusted: Path) -> None:
    sign_bundle(bundle, OURS)


def set_candidate() -> None:
    """Another worker, that could load v2, has set it."""
    folder("serving")
    named = StoredVersion(name="colours", version="v2", bento_model="colours:v2")
    write_candidate(Candidate(**named.model_dump(), mode="canary", share=0.5))


MENDS = {"add the key": trust_the_signer, "sign it again": sign_it_again}


@pytest.mark.parametrize("name", MENDS)
def test_se12_what_the_sentence_asks_for_helps_without_a_restart(
    trusted: Path, host: ModelHost, failures: list[str], name: str
) -> None:
    sign_bundle(promote("v1", day=1), OURS)
    host.start()
    wait_for_version(host, "v1")
    # The bundle is in the store, and signed, before the champion's pointer names it.
    bundle = store_version("v2")
    sign_bundle(bundle, FOREIGN)
    promote("v2", day=2)
    wait_for(host, lambda state: state.detail == f"{signing.FOREIGN}; serving colours v1 meanwhile")
    looks(host, 20)
    assert failures == ["signature"]
    MENDS[name](bundle, trusted)
    assert wait_for_version(host, "v2").detail == ""
    assert failures == ["signature"]


def test_what_is_still_being_promoted_is_no_reason_to_try_again(
    trusted: Path, host: ModelHost, failures: list[str], home: Path
) -> None:
    sign_bundle(promote("v1"), FOREIGN)
    host.start()
    wait_for(host, lambda state: signing.FOREIGN in state.detail)
    (home / "champions" / ".colours.x1y2.tmp").write_text("{")
    looks(host, 20)
    assert failures == ["signature"]


@pytest.mark.parametrize("name", MENDS)
def test_se12_it_helps_where_nothing_is_served_yet(
    trusted: Path, host: ModelHost, failures: list[str], name: str
) -> None:
    bundle = promote("v1")
    sign_bundle(bundle, FOREIGN)
    host.start()
    wait_for(host, lambda state: state.detail == signing.FOREIGN)
    looks(host, 20)
    MENDS[name](bundle, trusted)
    wait_for_version(host, "v1")
    assert failures == ["signature"]


def test_se12_a_file_of_keys_that_comes_back_is_read(trusted: Path, host: ModelHost) -> None:
    sign_bundle(promote("v1"), OURS)
    trusted.rename(trusted.with_name("hidden"))
    host.start()
    wait_for(host, lambda state: state.detail == NO_KEYS)
    trusted.with_name("hidden").rename(trusted)
    wait_for_version(host, "v1")


def test_se12_another_mistake_is_told_and_counted_anew(
    trusted: Path, host: ModelHost, failures: list[str]
) -> None:
    bundle = promote("v1")
    host.start()
    wait_for(host, lambda state: state.detail == signing.UNSIGNED)
    sign_bundle(bundle, FOREIGN)
    wait_for(host, lambda state: state.detail == signing.FOREIGN)
    looks(host, 20)
    assert failures == ["signature", "signature"]


def test_a_bundle_that_nothing_has_happened_to_is_not_loaded_again(
    host: ModelHost, failures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Path] = []

    def watched(bundle: Path, *words: object) -> object:
        tried.append(bundle)
        return load_model(bundle)

    monkeypatch.setattr("serving.models.current.load_model", watched)
    bundle = promote("v1")
    (bundle / "labels.json").write_bytes(b"[]")
    host.start()
    wait_for(host, lambda state: "labels.json was changed" in state.detail)
    looks(host, 20)
    assert (tried, failures) == ([bundle], ["files"])


@pytest.mark.parametrize("name", MENDS)
def test_se12_it_helps_a_candidate_too(trusted: Path, name: str) -> None:
    first, second = promote("v1"), store_version("v2")
    sign_bundle(first, OURS)
    sign_bundle(second, FOREIGN)
    served, said = load_model(first), list[Trial | None]()
    set_candidate()
    trials = TrialHost(lambda: served, said.append)
    for _ in range(5):
        trials.look()
    assert [each.detail for each in said if each] == [signing.FOREIGN]
    MENDS[name](second, trusted)
    for _ in range(5):
        trials.look()
    assert [bool(each and each.model) for each in said] == [False, True]
    assert trials.trial is said[-1]


def test_a_candidate_that_comes_into_the_store_later_is_tried() -> None:
    served, said = load_model(promote("v1")), list[Trial | None]()
    set_candidate()
    trials = TrialHost(lambda: served, said.append)
    for _ in range(3):
        trials.look()
    assert len(said) == 1
    store_version("v2")
    trials.look()
    assert [bool(each and each.model) for each in said] == [False, True]


def test_what_is_looked_at(trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = store_version("v1")
    before = look_at(bundle)
    assert [each is not None for each in before] == [True, False, True]
    assert look_at(bundle) == look_at_stored("colours:v1") == before
    assert look_at_stored("colours:v9") == ()
    sign_bundle(bundle, OURS)
    signed = look_at(bundle)
    assert signed[1] is not None
    assert (signed[0], signed[2]) == (before[0], before[2])
    (bundle / SIGNATURE_FILE).unlink()
    monkeypatch.delenv(TRUSTED)
    assert look_at(bundle) == (before[0], None, None)


@pytest.mark.parametrize(
    ("value", "path"), [("", None), ("~nobody-of-this-name/keys", None), ("/keys", Path("/keys"))]
)
def test_the_file_of_the_trusted_keys(value: str, path: Path | None) -> None:
    assert trusted_file({TRUSTED: value}) == path
    # Keys that are named themselves are no file, and nothing fails over them.
    assert trusted_file({TRUSTED: OURS.public.text}) == Path(OURS.public.text)
