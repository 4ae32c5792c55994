"""Tests of vision/bundles/keys.py and signature.py."""

import base64
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.fake_bundle import write_fake_bundle
from vision.bundles import signature as signing
from vision.bundles.files import list_files, verify_files
from vision.bundles.keys import (
    KEY_VARIABLE,
    KeyUnusableError,
    PublicKey,
    SigningKey,
    open_key,
    read_keys,
)
from vision.bundles.signature import SIGNATURE_FILE, SignatureError, sign_bundle, verify_bundle
from vision.home import repository

pytestmark = [pytest.mark.unit, pytest.mark.security]

# RFC 8032, section 7.1, test 1: the public key of the seed below, and its signature of nothing.
SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
SIGNED = (
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
    "d25bf5f0595bbe24655141438e7a100b"
)


@pytest.fixture
def key(home: Path, monkeypatch: pytest.MonkeyPatch) -> SigningKey:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return open_key()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_fake_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


def test_the_key_is_made_once_and_for_its_owner_alone(home: Path, key: SigningKey) -> None:
    path = home / "keys" / "signing.pem"
    assert (key.path, key.is_new) == (path, True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert (home / "keys" / "signing.pub").read_text() == f"{key.public.text}\n"
    again = open_key()
    assert (again.public, again.is_new) == (key.public, False)
    assert {each.name for each in path.parent.iterdir()} == {"signing.pem", "signing.pub"}
    assert "PRIVATE" not in repr(key)


def test_two_processes_make_one_key(home: Path) -> None:
    code = "from vision.bundles.keys import open_key; print(open_key().public.text)"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=repository(),
            env={**os.environ, "VISIONSTACK_HOME": str(home)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    said = {each.communicate(timeout=60)[0] for each in started}
    assert said == {(home / "keys" / "signing.pub").read_text()}


def test_the_signature_is_that_of_the_standard() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SEED))
    key = SigningKey(private, Path("nowhere"))
    assert key.public.raw.hex() == PUBLIC
    made = signing.sign(b"", key)
    assert base64.b64decode(made.signature).hex() == SIGNED
    assert (made.algorithm, made.key_id) == ("ed25519", "21fe31dfa154a261")
    assert signing.find_signer(b"", made, [key.public]) == key.public
    with pytest.raises(SignatureError, match="not what was signed"):
        signing.find_signer(b"x", made, [key.public])


def test_it_is_over_the_exact_bytes_of_the_manifest(bundle: Path, key: SigningKey) -> None:
    manifest = (bundle / "manifest.json").read_bytes()
    path = sign_bundle(bundle, key)
    written = json.loads(path.read_bytes())
    assert path == bundle / SIGNATURE_FILE
    assert written.keys() == {"algorithm", "key_id", "signature"}
    public = Ed25519PublicKey.from_public_bytes(key.public.raw)
    public.verify(base64.b64decode(written["signature"]), manifest)
    assert verify_bundle(bundle, [key.public]) == manifest
    assert sign_bundle(bundle, key).read_bytes() == path.read_bytes()


def test_the_signature_is_no_file_of_the_manifest_and_allowed(
    bundle: Path, key: SigningKey
) -> None:
    from vision.bundles.manifest import read_manifest

    before = list_files(bundle)
    sign_bundle(bundle, key)
    assert list_files(bundle) == before
    verify_files(bundle, read_manifest(bundle))


def test_a_blank_in_the_manifest_is_a_change(bundle: Path, key: SigningKey) -> None:
    sign_bundle(bundle, key)
    with (bundle / "manifest.json").open("ab") as file:
        file.write(b" ")
    with pytest.raises(SignatureError) as caught:
        verify_bundle(bundle, [key.public])
    assert str(caught.value) == signing.CHANGED


def test_any_of_several_keys_may_have_signed(bundle: Path, key: SigningKey) -> None:
    sign_bundle(bundle, key)
    other = PublicKey(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    verify_bundle(bundle, [other, key.public])
    with pytest.raises(SignatureError) as caught:
        verify_bundle(bundle, [other])
    assert str(caught.value) == signing.FOREIGN


def spoil(folder: Path, **changes: str | None) -> None:
    written = json.loads((folder / SIGNATURE_FILE).read_bytes())
    kept = {name: value for name, value in {**written, **changes}.items() if value is not None}
    (folder / SIGNATURE_FILE).write_text(json.dumps(kept))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"algorithm": "none"}, signing.UNREADABLE),
        ({"algorithm": "hmac"}, signing.UNREADABLE),
        ({"key_id": "../../../etc/pass"}, signing.UNREADABLE),
        ({"key_id": None}, signing.UNREADABLE),
        ({"signature": ""}, signing.UNREADABLE),
        ({"signature": "A" * 84}, signing.UNREADABLE),
        ({"signature": base64.b64encode(bytes(63)).decode()}, signing.UNREADABLE),
        ({"signature": base64.b64encode(bytes(64)).decode()}, signing.CHANGED),
        ({"surprise": "1"}, signing.UNREADABLE),
    ],
)
def test_a_signature_that_is_none(
    bundle: Path, key: SigningKey, changes: dict[str, str | None], said: str
) -> None:
    sign_bundle(bundle, key)
    spoil(bundle, **changes)
    with pytest.raises(SignatureError) as caught:
        verify_bundle(bundle, [key.public])
    assert str(caught.value) == said


def test_a_pipe_or_a_link_in_its_place_keeps_nobody_waiting(bundle: Path, key: SigningKey) -> None:
    path = sign_bundle(bundle, key)
    path.rename(bundle.parent / "elsewhere")
    path.symlink_to(bundle.parent / "elsewhere")
    with pytest.raises(SignatureError, match=r"manifest\.sig is no signature"):
        verify_bundle(bundle, [key.public])
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(SignatureError, match=r"manifest\.sig is no signature"):
        verify_bundle(bundle, [key.public])


def test_a_key_that_others_can_read_is_refused(key: SigningKey) -> None:
    key.path.chmod(0o640)
    with pytest.raises(KeyUnusableError, match=r"others can read .*: chmod 600"):
        open_key()


def test_a_key_that_was_asked_for_is_not_replaced(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "mine.pem"))
    with pytest.raises(KeyUnusableError, match=r"there is no such file; name a key, or unset it"):
        open_key()
    assert not home.exists()
    asked = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(tmp_path / "mine.pem")]
    subprocess.run(asked, check=True)
    (tmp_path / "mine.pem").chmod(0o600)
    key = open_key()
    private = load_pem_private_key((tmp_path / "mine.pem").read_bytes(), None)
    assert key.public.raw == private.public_key().public_bytes_raw()
    assert (tmp_path / "mine.pub").read_text().strip() == key.public.text


@pytest.mark.parametrize("data", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_file_that_is_no_key(key: SigningKey, data: bytes) -> None:
    key.path.write_bytes(data)
    with pytest.raises(KeyUnusableError, match="is no Ed25519 private key"):
        open_key()


def test_a_key_of_another_kind(key: SigningKey) -> None:
    made = ["openssl", "genpkey", "-algorithm", "x25519", "-out", str(key.path)]
    subprocess.run(made, check=True)
    with pytest.raises(KeyUnusableError, match="is no Ed25519 private key"):
        open_key()


def test_keys_are_read_from_text_and_from_files(tmp_path: Path, key: SigningKey) -> None:
    other = PublicKey(bytes(32))
    assert read_keys(f"{key.public.text}, {other.text}") == (key.public, other)
    file = tmp_path / "trusted"
    file.write_text(f"# of the team\n{key.public.text}  # laptop\n\n{other.text}\n")
    assert read_keys(str(file)) == (key.public, other)


@pytest.mark.parametrize("text", ["", ",", "x", "/nowhere", "\0", base64.b64encode(b"x").decode()])
def test_text_without_a_key(text: str) -> None:
    with pytest.raises(KeyUnusableError, match="no public key"):
        read_keys(text)
