"""The archive for a machine without internet. Tests of offline.py."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from steps.packaging.containers import Called, PackagingError
from steps.packaging.offline import OfflineRequest, fetch_wheels, make_offline
from steps.packaging.sealed_archive import verify_sealed
from tests.fake_bundle import write_fake_bundle
from tests.steps.packaging.locks import locked_of
from vision.bundles.keys import KEY_VARIABLE, SigningKey, open_key
from vision.bundles.manifest import read_manifest
from vision.bundles.signature import SignatureError, sign_bundle
from vision.errors import BundleError
from vision.home import repository

pytestmark = pytest.mark.unit

ROOT = "colours-20260101-120000-0badcafe"
LOCK = f"some-thing==1.0 \\\n    --hash=sha256:{'0' * 64}\n"


def fetch(lock: Path, target: Path, licence: str = "MIT") -> None:
    """Stands for pip: one wheel."""
    assert lock.read_text() == LOCK
    with zipfile.ZipFile(target / "some_thing-1.0-py3-none-any.whl", "w") as wheel:
        text = f"Metadata-Version: 2.1\nName: some-thing\nVersion: 1.0\nLicense: {licence}\n\n"
        wheel.writestr("some_thing-1.0.dist-info/METADATA", text)


@pytest.fixture
def key(home: Path, monkeypatch: pytest.MonkeyPatch) -> SigningKey:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return open_key()


@pytest.fixture
def request_(tmp_path: Path, key: SigningKey) -> OfflineRequest:
    bento, bundle = tmp_path / "bento", tmp_path / "bundle"
    write_fake_bundle(bundle)
    sign_bundle(bundle, key)
    for name in ("src/service.py", "src/__pycache__/service.pyc", "apis/openapi.yaml"):
        (bento / name).parent.mkdir(parents=True, exist_ok=True)
        (bento / name).write_text("x")
    for name in ("bento.yaml", "README.md"):
        (bento / name).write_text("x")
    (bento / "env/python").mkdir(parents=True)
    (bento / "env/python/requirements.txt").write_text(LOCK)
    (tmp_path / "image.tar").write_bytes(b"an OCI archive")
    return OfflineRequest(bundle, bento, tmp_path / "image.tar", "visionstack:colours-v1")


def unpack(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        found = {member.name.removeprefix(f"{ROOT}/"): tar.extractfile(member) for member in tar}
        return {name: file.read() for name, file in found.items() if file is not None}


def test_it_holds_all_that_the_service_needs(
    request_: OfflineRequest, tmp_path: Path, key: SigningKey
) -> None:
    output = tmp_path / "out.tar"
    made = make_offline(request_, output, key, fetch)
    assert verify_sealed(output, [key.public]) == made
    files = unpack(output)
    assert made.root == ROOT
    assert made.n_files == len(files) - 2
    inside = {f"bundle/{name}" for name in read_manifest(request_.bundle).files}
    assert inside | {"bundle/manifest.json", "bundle/manifest.sig"} <= files.keys()
    assert {"bento/src/service.py", "bento/bento.yaml", "requirements.txt"} <= files.keys()
    assert {"wheels/some_thing-1.0-py3-none-any.whl", "signing.pub"} <= files.keys()
    assert {"ops/compose/compose.yaml", "ops/compose/nginx/nginx.conf"} <= files.keys()
    assert "ops/prometheus/rules.yml" in files
    assert files["image/image.tar"] == b"an OCI archive"
    assert not [name for name in files if "__pycache__" in name or "secrets/" in name]
    assert "ops/compose/.env" not in files
    [component] = json.loads(files["sbom.cdx.json"])["components"]
    assert component["purl"] == "pkg:pypi/some-thing@1.0"
    assert component["licenses"] == [{"license": {"id": "MIT"}}]
    assert json.loads(files["licences.json"])["passed"]
    assert hashlib.sha256(files["README.md"]).hexdigest() in files["SHA256SUMS"].decode()


def test_its_readme_has_the_commands(
    request_: OfflineRequest, tmp_path: Path, key: SigningKey
) -> None:
    make_offline(request_, tmp_path / "out.tar", key, fetch)
    text = unpack(tmp_path / "out.tar")["README.md"].decode()
    for command in (
        "sha256sum --check --quiet SHA256SUMS",
        "podman load --input image/image.tar",
        "--security-opt no-new-privileges --env-file keys.env visionstack:colours-v1",
        "pip install --no-index --no-deps --find-links wheels --require-hashes -r requirements.txt",
        "VISIONSTACK_BUNDLE=$PWD/bundle venv/bin/bentoml serve $PWD/bento",
    ):
        assert command in text


@pytest.mark.security
def test_no_key_is_put_into_a_command(
    request_: OfflineRequest, tmp_path: Path, key: SigningKey
) -> None:
    make_offline(request_, tmp_path / "out.tar", key, fetch)
    text = unpack(tmp_path / "out.tar")["README.md"].decode()
    for page in (text, (repository() / "docs" / "deployment.md").read_text(encoding="utf-8")):
        assert "umask 077" in page
        assert not re.findall(r"(?:-e|--env) VISIONSTACK_\w*KEY=", page)


def test_it_can_do_without_image_and_packages(
    request_: OfflineRequest, tmp_path: Path, key: SigningKey
) -> None:
    bare = OfflineRequest(request_.bundle, request_.bento, has_wheels=False)
    make_offline(bare, tmp_path / "out.tar", key)
    files = unpack(tmp_path / "out.tar")
    assert not [name for name in files if name.startswith(("wheels/", "image/"))]
    assert b"podman" not in files["README.md"]
    assert json.loads(files["sbom.cdx.json"])["components"][0]["name"] == "some-thing"
    assert json.loads(files["licences.json"])["unknown"] == ["some-thing"]


def test_a_bundle_that_is_not_signed_with_the_key_is_refused(
    request_: OfflineRequest, tmp_path: Path, key: SigningKey
) -> None:
    (request_.bundle / "manifest.sig").unlink()
    with pytest.raises(SignatureError, match="the bundle is not signed; sign it with"):
        make_offline(request_, tmp_path / "out.tar", key, fetch)
    assert not (tmp_path / "out.tar").exists()


def test_a_bundle_that_was_changed_is_refused(
    request_: OfflineRequest, tmp_path: Path, key: SigningKey
) -> None:
    (request_.bundle / "labels.json").write_text("[]")
    with pytest.raises(BundleError, match=r"labels\.json was changed"):
        make_offline(request_, tmp_path / "out.tar", key, fetch)


def test_packages_that_are_not_those_of_the_lock_are_refused(
    request_: OfflineRequest, tmp_path: Path, key: SigningKey
) -> None:
    with pytest.raises(PackagingError, match=r"no some-thing 1\.0"):
        make_offline(request_, tmp_path / "out.tar", key, lambda lock, target: None)
    assert {path.name for path in tmp_path.iterdir()} == {"bento", "bundle", "home", "image.tar"}


def test_a_licence_that_may_not_be_there_stops_it(
    request_: OfflineRequest, tmp_path: Path, key: SigningKey
) -> None:
    def fetch_agpl(lock: Path, target: Path) -> None:
        fetch(lock, target, "AGPL-3.0-only")

    with pytest.raises(PackagingError, match=r"some-thing \(AGPL-3\.0-only\)"):
        make_offline(request_, tmp_path / "out.tar", key, fetch_agpl)


@pytest.mark.fault
@pytest.mark.parametrize("backend", ["scipy", "alibi"])
def test_alibi_is_in_it_only_where_the_bundle_asks_for_it(
    backend: str,
    request_: OfflineRequest,
    tmp_path: Path,
    key: SigningKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lock = locked_of("service-alibi.txt", "alibi-detect")
    (request_.bento / "env/python/requirements.txt").write_text(lock)
    monkeypatch.setattr("steps.packaging.offline.drift_backend", lambda bundle, manifest: backend)
    bare = OfflineRequest(request_.bundle, request_.bento, has_wheels=False)
    if backend == "alibi":
        make_offline(bare, tmp_path / "out.tar", key)
        assert b"Business Source" in unpack(tmp_path / "out.tar")["licences.json"]
        return
    with pytest.raises(PackagingError) as caught:
        make_offline(bare, tmp_path / "out.tar", key)
    assert str(caught.value) == (
        "licences that may not be in the service: alibi-detect (Business Source License 1.1); "
        "remove what asks for them; the bundle has drift.backend: scipy"
    )


def test_pip_fetches_by_hash_and_what_it_says_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[list[str]] = []

    def answer(command: list[str], timeout_s: float) -> Called:
        called.append(command)
        return Called(1, "", "ERROR: no route to the index")

    monkeypatch.setattr("steps.packaging.offline.call", answer)
    with pytest.raises(PackagingError, match=r"no route to the index\n.* --no-wheels leaves"):
        fetch_wheels(tmp_path / "lock.txt", tmp_path)
    assert {"--require-hashes", "--no-deps", str(tmp_path / "lock.txt")} <= set(called[0])
