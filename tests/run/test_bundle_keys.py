"""``run.py bundle``: whom it trusts after the signing key was exchanged."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import run
from steps.packaging.sealed_archive import write_sealed
from vision.bundles.keys import KEY_VARIABLE, SigningKey, open_key

pytestmark = [pytest.mark.unit, pytest.mark.security]


@pytest.fixture
def key(home: Path, monkeypatch: pytest.MonkeyPatch) -> SigningKey:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.delenv("VISIONSTACK_TRUSTED_KEYS", raising=False)
    return open_key()


def archive(folder: Path, key: SigningKey) -> Path:
    (folder / "file").write_bytes(b"12345")
    target = folder / f"{key.public.id}.tar"
    write_sealed(target, "digits-v1", {"file": folder / "file"}, key)
    return target


def exchange(path: Path) -> None:
    made = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)]
    subprocess.run(made, check=True)
    path.chmod(0o600)


def test_a_key_that_was_exchanged_is_trusted_no_more(
    tmp_path: Path, key: SigningKey, capsys: pytest.CaptureFixture[str]
) -> None:
    leaked = archive(tmp_path, key)
    exchange(key.path)
    # Nothing has opened the new key yet.
    assert run.main(["bundle", "verify", str(leaked)]) == 1
    assert "signed with a key that is not trusted" in capsys.readouterr().err
    own = archive(tmp_path, open_key())
    assert run.main(["bundle", "verify", str(own)]) == 0
    assert run.main(["bundle", "verify", str(leaked)]) == 1


def test_the_signing_key_is_asked_and_not_the_file_beside_it(
    tmp_path: Path, key: SigningKey
) -> None:
    own = archive(tmp_path, key)
    public = key.path.with_suffix(".pub")
    public.write_text("")
    assert run.main(["bundle", "verify", str(own)]) == 0
    assert public.read_text() == f"{key.public.text}\n"


def test_without_a_signing_key_the_public_one_is_trusted(
    tmp_path: Path, key: SigningKey, capsys: pytest.CaptureFixture[str]
) -> None:
    own = archive(tmp_path, key)
    key.path.unlink()
    assert run.main(["bundle", "verify", str(own)]) == 0
    key.path.with_suffix(".pub").unlink()
    assert run.main(["bundle", "verify", str(own)]) == 1
    assert "nobody is trusted yet: name the signer's public key" in capsys.readouterr().err
    assert list(key.path.parent.iterdir()) == []


def test_a_signing_key_that_cannot_be_used_leaves_a_way(
    tmp_path: Path, key: SigningKey, capsys: pytest.CaptureFixture[str]
) -> None:
    own = archive(tmp_path, key)
    key.path.chmod(0o644)
    assert run.main(["bundle", "verify", str(own)]) == 1
    said = capsys.readouterr().err
    assert f"chmod 600 {key.path}; or name the signer's public key with --key" in said
    assert run.main(["bundle", "verify", str(own), "--key", key.public.text]) == 0
