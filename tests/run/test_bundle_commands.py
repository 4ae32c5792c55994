"""``run.py bundle``: what is written, what is checked, what is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import run
from steps.packaging.offline import OfflineRequest
from steps.packaging.sealed_archive import Sealed, write_sealed
from tests.fake_bundle import VERSION, write_fake_bundle
from tests.run.loading import loaded_by
from vision.bundles.keys import KEY_VARIABLE, SigningKey, open_key
from vision.bundles.signature import verify_bundle

pytestmark = pytest.mark.unit


@pytest.fixture
def key(home: Path, monkeypatch: pytest.MonkeyPatch) -> SigningKey:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.delenv("VISIONSTACK_TRUSTED_KEYS", raising=False)
    return open_key()


@pytest.fixture
def archive(tmp_path: Path, key: SigningKey) -> Path:
    (tmp_path / "file").write_bytes(b"12345")
    write_sealed(tmp_path / "out.tar", "digits-v1", {"file": tmp_path / "file"}, key)
    return tmp_path / "out.tar"


def test_verify_says_what_it_has_checked(
    archive: Path, key: SigningKey, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(["bundle", "verify", str(archive)]) == 0
    said = f"{archive}: digits-v1, 1 files, 0 MB, all as signed with key {key.public.id}\n"
    assert capsys.readouterr().out == said


def test_verify_names_the_first_file_that_differs(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = archive.read_bytes()
    archive.write_bytes(data.replace(b"12345", b"12346"))
    assert run.main(["bundle", "verify", str(archive)]) == 1
    assert capsys.readouterr().err == "error: digits-v1/file was changed\n"


def test_verify_trusts_who_is_named(
    archive: Path,
    home: Path,
    key: SigningKey,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = SigningKey(Ed25519PrivateKey.generate(), Path("other"))
    verify = ["bundle", "verify", str(archive)]
    assert run.main([*verify, "--key", other.public.text]) == 1
    assert "signed with a key that is not trusted" in capsys.readouterr().err
    for name in ("signing.pem", "signing.pub"):
        (home / "keys" / name).unlink()
    assert run.main(verify) == 1
    assert "nobody is trusted yet: name the signer's public key" in capsys.readouterr().err
    assert run.main([*verify, "--key", key.public.text]) == 0
    monkeypatch.setenv("VISIONSTACK_TRUSTED_KEYS", f"{other.public.text},{key.public.text}")
    assert run.main(verify) == 0
    assert run.main([*verify, "--key", "nonsense"]) == 1


def test_sign_and_key(tmp_path: Path, key: SigningKey, capsys: pytest.CaptureFixture[str]) -> None:
    write_fake_bundle(tmp_path / "bundle")
    assert run.main(["bundle", "sign", str(tmp_path / "bundle")]) == 0
    verify_bundle(tmp_path / "bundle", [key.public])
    assert f"manifest.sig: signed with key {key.public.id}" in capsys.readouterr().out
    assert run.main(["bundle", "key"]) == 0
    assert capsys.readouterr().out == f"{key.public.text}\n"
    (tmp_path / "bundle" / "labels.json").write_text("[]")
    assert run.main(["bundle", "sign", str(tmp_path / "bundle")]) == 1
    assert "labels.json was changed" in capsys.readouterr().err


def test_bundle_writes_where_it_was_told(
    tmp_path: Path,
    key: SigningKey,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_fake_bundle(tmp_path / "bundle")
    requests: list[OfflineRequest] = []

    def make(request: OfflineRequest, output: Path, key: SigningKey) -> Sealed:
        requests.append(request)
        output.write_bytes(b"")
        return Sealed("colours", 7, 12_000_000, key.public)

    monkeypatch.setattr("steps.packaging.offline.make_offline", make)
    (tmp_path / "bento").mkdir()
    words = ["--model", str(tmp_path / "bundle"), "--bento", str(tmp_path / "bento")]
    output = tmp_path / "new" / "out.tar"
    assert run.main(["bundle", *words, "--output", str(output), "--no-wheels"]) == 0
    assert requests == [
        OfflineRequest(tmp_path / "bundle", tmp_path / "bento", None, "", has_wheels=False)
    ]
    assert capsys.readouterr().out.splitlines() == [
        "no image of this bundle and bento has passed its test: the archive has none "
        "(make image image-test)",
        f"{output}: 7 files, 12 MB, signed with key {key.public.id}",
        f"public key, for `run.py bundle verify --key`: {key.public.text}",
    ]
    monkeypatch.chdir(tmp_path)
    assert run.main(["bundle", *words]) == 0
    assert (tmp_path / f"colours-{VERSION}.tar").exists()


def test_options_belong_to_the_command_itself(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(["bundle", "--no-wheels", "verify", str(archive)]) == 2
    assert "verify takes none of these options" in capsys.readouterr().err


def test_verify_is_light(archive: Path) -> None:
    heavy = {"zenml", "mlflow", "bentoml", "tensorflow", "onnxruntime", "pandas", "sqlalchemy"}
    code = f"import run\nassert run.main(['bundle', 'verify', {str(archive)!r}]) == 0"
    assert loaded_by(code, heavy) == "[]"
