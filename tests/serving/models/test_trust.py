"""SE-12: with ``VISIONSTACK_REQUIRE_SIGNATURE`` only bundles of trusted keys are served.

Tests of serving/models/trust.py.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from serving.models.active import read_active
from serving.models.host import ModelHost
from serving.models.load import load_model
from serving.models.state import ModelRefused
from serving.models.trust import NO_KEYS, trusted_keys
from serving.settings import read_settings
from tests.fake_bundle import VERSION, seal, write_fake_bundle
from tests.serving.models.versions import promote, store_version
from tests.serving.models.waiting import pointer, served, wait_for
from vision.bundles import signature as signing
from vision.bundles.keys import KEY_VARIABLE, SigningKey, open_key
from vision.bundles.manifest import read_manifest
from vision.bundles.signature import SIGNATURE_FILE, sign_bundle
from vision.errors import ConfigError

pytestmark = [pytest.mark.unit, pytest.mark.security]

REQUIRE, TRUSTED = "VISIONSTACK_REQUIRE_SIGNATURE", "VISIONSTACK_TRUSTED_KEYS"


@dataclass(frozen=True)
class Case:
    """A signed bundle, and what its signer has at hand."""

    bundle: Path
    key: SigningKey
    trusted: Path


@pytest.fixture
def case(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    key = open_key()
    trusted = tmp_path / "trusted.txt"
    trusted.write_text(f"{key.public.text}\n")
    write_fake_bundle(tmp_path / "bundle")
    sign_bundle(tmp_path / "bundle", key)
    monkeypatch.setenv(REQUIRE, "yes")
    monkeypatch.setenv(TRUSTED, str(trusted))
    return Case(tmp_path / "bundle", key, trusted)


def another_key() -> SigningKey:
    return SigningKey(Ed25519PrivateKey.generate(), Path("another"))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def flipped_manifest(case: Case) -> None:
    flip(case.bundle / "manifest.json")


def flipped_file(case: Case) -> None:
    flip(case.bundle / "serving.onnx")


def resealed_file(case: Case) -> None:
    """Whoever changes a file, and then the manifest to fit."""
    (case.bundle / "serving.onnx").write_bytes(b"evil")
    seal(case.bundle)


def signature_of_another_bundle(case: Case) -> None:
    other = case.bundle.with_name("other")
    write_fake_bundle(other, version="20260102-120000-0badcafe")
    shutil.copyfile(sign_bundle(other, case.key), case.bundle / SIGNATURE_FILE)


def bundle_and_signature_of_another_version(case: Case) -> None:
    """A former version that was signed, put in the place of this one."""
    shutil.rmtree(case.bundle)
    write_fake_bundle(case.bundle, version="20250101-120000-0badcafe")
    sign_bundle(case.bundle, case.key)


def other_key(case: Case) -> None:
    sign_bundle(case.bundle, another_key())


def other_key_under_a_trusted_name(case: Case) -> None:
    path = sign_bundle(case.bundle, another_key())
    written = {**json.loads(path.read_bytes()), "key_id": case.key.public.id}
    path.write_text(json.dumps(written))


def signature_removed(case: Case) -> None:
    (case.bundle / SIGNATURE_FILE).unlink()


def key_removed(case: Case) -> None:
    case.trusted.unlink()


def key_exchanged(case: Case) -> None:
    case.trusted.write_text(another_key().public.text)


def keys_emptied(case: Case) -> None:
    case.trusted.write_text("# none is trusted any more\n")


SE12: dict[str, tuple[Callable[[Case], None], str, str]] = {
    "flipped-manifest": (flipped_manifest, "signature", signing.CHANGED),
    "flipped-file": (flipped_file, "files", "serving.onnx was changed: expected "),
    "resealed-file": (resealed_file, "signature", signing.CHANGED),
    "another-bundles": (signature_of_another_bundle, "signature", signing.CHANGED),
    "another-version": (bundle_and_signature_of_another_version, "manifest", "says that it is"),
    "other-key": (other_key, "signature", signing.FOREIGN),
    "forged-key-id": (other_key_under_a_trusted_name, "signature", signing.CHANGED),
    "unsigned": (signature_removed, "signature", signing.UNSIGNED),
    "key-removed": (key_removed, "signature", NO_KEYS),
    "key-exchanged": (key_exchanged, "signature", signing.FOREIGN),
    "keys-emptied": (keys_emptied, "signature", NO_KEYS),
}


def test_se12_a_signed_bundle_is_served(case: Case) -> None:
    assert load_model(case.bundle, ("colours", VERSION)).manifest.version == VERSION


@pytest.mark.parametrize("name", SE12)
def test_se12_a_tampered_bundle_is_refused(case: Case, name: str) -> None:
    tamper, reason, said = SE12[name]
    tamper(case)
    with pytest.raises(ModelRefused) as caught:
        load_model(case.bundle, ("colours", VERSION))
    assert caught.value.reason == reason
    assert str(case.bundle) not in str(caught.value)
    if reason == "signature":
        assert str(caught.value) == said  # constant: nothing of what was found
    else:
        assert said in str(caught.value)


@pytest.mark.parametrize("name", ["other-key", "unsigned", "key-removed", "key-exchanged"])
def test_se12_nothing_is_asked_for_by_default(
    case: Case, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    SE12[name][0](case)
    monkeypatch.delenv(REQUIRE)
    assert load_model(case.bundle).manifest.version == VERSION


def test_se12_what_is_exchanged_between_the_look_and_the_load_is_refused(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    import serving.models.load as module

    def and_then_exchange(folder: Path, keys: object) -> bytes:
        signed = signing.verify_bundle(folder, [case.key.public])
        seal(folder, classes=("red", "green", "blue"), input_size=(8, 8), version="v9")
        return signed

    monkeypatch.setattr(module, "check_signature", and_then_exchange)
    with pytest.raises(ModelRefused) as caught:
        load_model(case.bundle)
    assert (caught.value.reason, str(caught.value)) == ("signature", signing.CHANGED)


def test_se12_at_the_start_nothing_unsigned_is_served(case: Case, host: ModelHost) -> None:
    failures: list[str] = []
    host.on_failure(failures.append)
    promote("v1")
    host.start()
    state = wait_for(host, lambda state: signing.UNSIGNED in state.detail)
    assert state.model is None
    assert failures == ["signature"]


def test_se12_at_an_activation_the_old_version_keeps_serving(case: Case) -> None:
    host = ModelHost(busy_after_s=20.0)
    failures: list[str] = []
    host.on_failure(failures.append)
    sign_bundle(store_version("v1"), case.key)
    store_version("v2")
    host.activate("colours", "v1")
    with pytest.raises(ModelRefused) as caught:
        host.activate("colours", "v2")
    assert (caught.value.reason, str(caught.value)) == ("signature", signing.UNSIGNED)
    assert served(host) == ("v1", 1)
    assert pointer() == ("v1", 1, ())
    assert failures == ["signature"]
    assert (active := read_active()) is not None
    assert active.version == "v1"
    # Signed afterwards, it is served without a restart.
    from serving.models.store import bundle_folder

    sign_bundle(bundle_folder("colours:v2"), case.key)
    host.activate("colours", "v2")
    assert served(host) == ("v2", 2)


def test_se12_the_signature_comes_into_the_store_with_the_bundle(case: Case) -> None:
    from serving.models.store import bundle_folder, save_bundle

    stored = bundle_folder(save_bundle(case.bundle, read_manifest(case.bundle), {}))
    assert load_model(stored, ("colours", VERSION)).folder == stored


def test_se12_keys_are_asked_for_before_a_worker_starts(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trusted_keys() == (case.key.public,)
    assert trusted_keys({}) is None
    assert trusted_keys({TRUSTED: case.key.public.text}) is None
    assert read_settings({REQUIRE: "1", TRUSTED: case.key.public.text}).require_signature
    with pytest.raises(ConfigError) as caught:
        read_settings({REQUIRE: "1"})
    said = (
        "VISIONSTACK_TRUSTED_KEYS: there is no public key; write one, or name a file that has one"
    )
    assert str(caught.value) == said
    with pytest.raises(ConfigError, match="'/nowhere' is no public key"):
        read_settings({REQUIRE: "1", TRUSTED: "/nowhere"})
