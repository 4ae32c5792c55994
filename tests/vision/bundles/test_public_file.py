"""Tests of vision/bundles/public_file.py: the public key follows the signing key."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
from pathlib import Path

import pytest

from vision.bundles import public_file
from vision.bundles.keys import KEY_VARIABLE, KeyUnusableError, SigningKey, open_key, read_keys
from vision.bundles.public_file import publish_key

pytestmark = [pytest.mark.unit, pytest.mark.security]

TEXT = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(32)).decode()


@pytest.fixture
def key(home: Path, monkeypatch: pytest.MonkeyPatch) -> SigningKey:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return open_key()


def exchange(path: Path) -> None:
    """Puts another key in the place of one, as a secret store does."""
    made = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)]
    subprocess.run(made, check=True)
    path.chmod(0o600)


def test_it_follows_a_key_that_was_exchanged(key: SigningKey) -> None:
    exchange(key.path)
    other = open_key()
    assert other.public != key.public
    assert read_keys(str(key.path.with_suffix(".pub"))) == (other.public,)
    assert {each.name for each in key.path.parent.iterdir()} == {"signing.pem", "signing.pub"}


@pytest.mark.fault
@pytest.mark.parametrize("n_letters", [0, 1, 43, 44])
def test_what_a_crash_has_left_of_it_is_mended(key: SigningKey, n_letters: int) -> None:
    public = key.path.with_suffix(".pub")
    public.write_text(key.public.text[:n_letters])
    open_key()
    assert public.read_text() == f"{key.public.text}\n"


def test_others_may_read_it(key: SigningKey) -> None:
    public = key.path.with_suffix(".pub")
    assert stat.S_IMODE(public.stat().st_mode) == 0o644
    exchange(key.path)
    open_key()
    assert stat.S_IMODE(public.stat().st_mode) == 0o644


def test_it_is_left_alone_where_it_is_right(key: SigningKey) -> None:
    before = key.path.with_suffix(".pub").stat()
    open_key()
    assert key.path.with_suffix(".pub").stat() == before


@pytest.mark.parametrize(
    "text",
    ["ssh-ed25519 AAAAC3Nz me@here\n", "-----BEGIN PUBLIC KEY-----\n", f"# ours\n{TEXT}\n", "\xff"],
)
def test_a_file_that_is_somebody_elses_stays(tmp_path: Path, text: str) -> None:
    path = tmp_path / "id_ed25519.pub"
    path.write_text(text, encoding="latin-1")
    publish_key(path, OTHER)
    assert path.read_text(encoding="latin-1") == text


def test_a_pipe_in_its_place_keeps_nobody_waiting(key: SigningKey) -> None:
    public = key.path.with_suffix(".pub")
    public.unlink()
    os.mkfifo(public)
    with pytest.raises(KeyUnusableError, match=r"cannot be used \(it is no plain file\)"):
        open_key()


def test_a_signing_key_with_the_name_of_the_public_one_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.pub"
    exchange(path)
    private = path.read_bytes()
    monkeypatch.setenv(KEY_VARIABLE, str(path))
    with pytest.raises(KeyUnusableError) as caught:
        open_key()
    assert str(caught.value) == (
        f"VISIONSTACK_SIGNING_KEY = {str(path)!r}: the public key gets this name; give the signing "
        "key another ending than .pub, for example .pem"
    )
    assert path.read_bytes() == private


def test_where_it_cannot_be_written_an_old_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(
        public_file.logger, "warning", lambda text, *words: said.append(text % words)
    )
    monkeypatch.setattr(os, "access", lambda *asked: False)
    path = tmp_path / "mine.pub"
    publish_key(path, TEXT)
    assert (path.exists(), said) == (False, [])
    path.write_text(f"{OTHER}\n")
    publish_key(path, TEXT)
    assert path.read_text() == f"{OTHER}\n"
    assert said == [f"{path} is not the public key that belongs to the signing key; remove it"]
