"""DVC remotes behind servers: S3 by moto's server, SSH by asyncssh's, both on loopback."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from steps.revisions import heal, resolve_revision
from tests.corpus import class_folders
from tests.dvc_repositories import Workspace, flip_bit, make_workspace
from tests.servers import free_port
from vision.errors import DatasetError

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_BUCKET = "images"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an S3 server with an empty bucket."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "tester",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=address).create_bucket(Bucket=_BUCKET)
    yield address
    server.stop()


def with_images(place: Path, remote: str, **options: str) -> Workspace:
    """Makes a workspace with eight images in v1, not yet pushed."""
    workspace = make_workspace(place, remote=remote)
    local = "\n".join(f"    {name} = {value}" for name, value in options.items())
    (workspace.root / ".dvc" / "config.local").write_text(f"['remote \"store\"']\n{local}\n")
    class_folders(workspace.root / "images", 4)
    workspace.add("images")
    workspace.commit("v1")
    return workspace


def refused(workspace: Workspace) -> str:
    with pytest.raises(DatasetError) as caught:
        resolve_revision(workspace.section("v1"))
    return str(caught.value)


def forget(workspace: Workspace) -> None:
    shutil.rmtree(workspace.root / ".dvc" / "cache")


@pytest.fixture
def in_s3(tmp_path: Path, home: Path, s3: str) -> Workspace:
    workspace = with_images(tmp_path / "dvc", f"s3://{_BUCKET}/store", endpointurl=s3)
    workspace.push()
    return workspace


def objects(s3: str) -> dict[str, bytes]:
    client = boto3.client("s3", endpoint_url=s3)
    keys = [each["Key"] for each in client.list_objects_v2(Bucket=_BUCKET)["Contents"]]
    return {key: client.get_object(Bucket=_BUCKET, Key=key)["Body"].read() for key in keys}


def test_files_come_from_s3(in_s3: Workspace) -> None:
    forget(in_s3)
    resolved = resolve_revision(in_s3.section("v1"))
    assert resolved.remote == f"store s3://{_BUCKET}/store"
    for path in sorted((in_s3.root / "images").rglob("*.png")):
        there = resolved.folder / path.relative_to(in_s3.root / "images")
        assert there.read_bytes() == path.read_bytes()


@pytest.mark.fault
def test_missing_and_damaged_objects_of_s3_are_named(in_s3: Workspace, s3: str) -> None:
    client = boto3.client("s3", endpoint_url=s3)
    entry = in_s3.entry("images/cat/00.png")
    lost = f"store/files/md5/{entry.parent.name}/{entry.name}"
    entry = in_s3.entry("images/dog/01.png")
    bad = f"store/files/md5/{entry.parent.name}/{entry.name}"
    [listing] = [key for key in objects(s3) if key.endswith(".dir")]
    data = bytearray(objects(s3)[bad])
    data[7] ^= 4
    client.put_object(Bucket=_BUCKET, Key=bad, Body=bytes(data))
    client.delete_object(Bucket=_BUCKET, Key=lost)
    forget(in_s3)
    where = f"{in_s3.root} at {in_s3.git('rev-parse', '--short=8', 'v1')}"
    assert refused(in_s3) == (
        f"2 of 8 files of {where} cannot be had: cat/00.png (missing in DVC's cache and missing in "
        "the remote); dog/01.png (missing in DVC's cache and damaged in the remote). Remove "
        f"s3://{_BUCKET}/{bad} and s3://{_BUCKET}/{listing} from the remote, which dvc push leaves "
        f"alone, and run dvc push to store s3://{_BUCKET}/store where the files are whole, then "
        "try again."
    )


@pytest.mark.fault
def test_damage_is_healed_from_s3(in_s3: Workspace) -> None:
    target = resolve_revision(in_s3.section("v1")).folder / "dog" / "02.png"
    good = target.read_bytes()
    flip_bit(target)
    flip_bit(entry := in_s3.entry("images/dog/02.png"))
    assert heal(in_s3.section("v1")).is_whole
    assert target.read_bytes() == entry.read_bytes() == good


@pytest.mark.fault
def test_bucket_that_is_not_there(in_s3: Workspace) -> None:
    config = in_s3.root / ".dvc" / "config"
    config.write_text(config.read_text().replace(f"s3://{_BUCKET}/", "s3://elsewhere/"))
    forget(in_s3)
    message = refused(in_s3)
    assert message.endswith(
        "There is nothing at the DVC remote store s3://elsewhere/store; check its address."
    )


@pytest.mark.fault
def test_s3_that_is_down(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tester")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    address = f"http://127.0.0.1:{free_port()}"
    workspace = with_images(tmp_path / "dvc", f"s3://{_BUCKET}/store", endpointurl=address)
    forget(workspace)
    message = refused(workspace)
    assert message.startswith(f"The DVC remote store s3://{_BUCKET}/store cannot be reached (")
    assert address in message
    assert message.endswith("Check its address with dvc remote list, and that it is up.")


@pytest.mark.fault
@pytest.mark.security
def test_wrong_credentials_for_s3(in_s3: Workspace, s3: str) -> None:
    forget(in_s3)
    # From now on moto checks who asks.
    httpx.post(f"{s3}/moto-api/reset-auth", content=b"0").raise_for_status()
    message = refused(in_s3)
    assert message.startswith(f"The DVC remote store s3://{_BUCKET}/store refuses access (")
    assert message.endswith(
        "). Set its credentials with dvc remote modify --local, or in the environment."
    )
    assert "secret" not in message


@dataclass(frozen=True)
class SshServer:
    """An SFTP server of this process.

    Attributes:
      port: on loopback.
      key: the private key that it takes.
    """

    port: int
    key: Path


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[SshServer]:
    keys = {name: asyncssh.generate_private_key("ssh-ed25519") for name in ("host", "user")}
    for name, key in keys.items():
        key.write_private_key(str(tmp_path / name))
        key.write_public_key(str(tmp_path / f"{name}.pub"))
    loop = asyncio.new_event_loop()
    port: Future[int] = Future()

    async def serve() -> asyncssh.SSHAcceptor:
        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[str(tmp_path / "host")],
            authorized_client_keys=str(tmp_path / "user.pub"),
            sftp_factory=True,
        )
        port.set_result(server.get_port())
        return server

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(serve(), loop).result(30)
    yield SshServer(port.result(), tmp_path / "user")

    async def stop() -> None:
        server.close()
        await server.wait_closed()

    asyncio.run_coroutine_threadsafe(stop(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)
    loop.close()


def test_files_come_by_ssh_and_are_healed_by_it(tmp_path: Path, home: Path, ssh: SshServer) -> None:
    url = f"ssh://tester@127.0.0.1:{ssh.port}{tmp_path}/far"
    workspace = with_images(tmp_path / "dvc", url, keyfile=str(ssh.key))
    workspace.push()
    forget(workspace)
    resolved = resolve_revision(workspace.section("v1"))
    assert resolved.n_files == 8
    # The user's name is not shown.
    assert resolved.remote == f"store ssh://127.0.0.1:{ssh.port}{tmp_path}/far"
    target = resolved.folder / "cat" / "03.png"
    good = target.read_bytes()
    flip_bit(target)
    assert heal(workspace.section("v1")).is_whole
    assert target.read_bytes() == good


@pytest.mark.fault
@pytest.mark.security
def test_key_that_ssh_does_not_take(tmp_path: Path, home: Path, ssh: SshServer) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519")
    other.write_private_key(str(tmp_path / "other"))
    url = f"ssh://tester@127.0.0.1:{ssh.port}{tmp_path}/far"
    workspace = with_images(tmp_path / "dvc", url, keyfile=str(tmp_path / "other"))
    forget(workspace)
    message = refused(workspace)
    shown = f"store ssh://127.0.0.1:{ssh.port}{tmp_path}/far"
    assert message.startswith(f"The DVC remote {shown} refuses access (")


@pytest.mark.fault
def test_ssh_that_is_down(tmp_path: Path, home: Path) -> None:
    port = free_port()
    workspace = with_images(tmp_path / "dvc", f"ssh://127.0.0.1:{port}/far")
    forget(workspace)
    message = refused(workspace)
    assert message.startswith(
        f"The DVC remote store ssh://127.0.0.1:{port}/far cannot be reached ("
    )


def test_folder_that_is_not_there(tmp_path: Path, home: Path) -> None:
    workspace = with_images(tmp_path / "dvc", str(tmp_path / "unplugged"))
    forget(workspace)
    assert refused(workspace).endswith(
        f"There is nothing at the DVC remote store {tmp_path}/unplugged; check its address."
    )


def test_remote_of_an_unknown_kind_or_package(tmp_path: Path, home: Path) -> None:
    workspace = with_images(tmp_path / "dvc", "gs://bucket/store")
    assert resolve_revision(workspace.section("v1")).remote == "store gs://bucket/store"
    workspace = with_images(tmp_path / "other", "gs://bucket/store", projectname="none")
    class_folders(workspace.root / "images", 5, seed=7)
    workspace.add("images")
    workspace.commit("v2")
    forget(workspace)
    with pytest.raises(DatasetError, match=r"A DVC remote of .* cannot be used: .*gs"):
        resolve_revision(workspace.section("v2"))
