"""The compose file: docker-compose takes it, and nothing in it is open or unlimited."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.settings import read_settings
from vision.home import repository

COMPOSE = repository() / "ops" / "compose"
FILE = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
NAMES = sorted(SERVICES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of ops/ with secrets, as somebody who has read the header has it."""
    ops = tmp_path / "ops"
    shutil.copytree(
        repository() / "ops", ops, ignore=shutil.ignore_patterns("secrets", ".env", "kubernetes")
    )
    subprocess.run([ops / "compose" / "make_secrets.sh"], check=True, capture_output=True)
    shutil.copyfile(ops / "compose" / "example.env", ops / "compose" / ".env")
    return ops / "compose"


@pytest.mark.unit
@pytest.mark.security
@pytest.mark.parametrize("name", NAMES)
def test_every_container_is_confined_and_limited(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] > 0
    assert {"mem_limit", "cpus"} <= service.keys()
    assert "docker.sock" not in str(service)
    assert not {"privileged", "cap_add", "network_mode", "pid"} & service.keys()


@pytest.mark.unit
@pytest.mark.security
def test_only_the_proxy_listens_beyond_this_machine() -> None:
    ports = {name: service.get("ports", []) for name, service in SERVICES.items()}

    assert ports.pop("edge") == ["${EDGE_PORT:-8443}:8443"]
    assert all(each.startswith("127.0.0.1:") for some in ports.values() for each in some)
    assert FILE["networks"]["inside"] == {"internal": True}
    assert SERVICES["database"]["networks"] == ["inside"]


@pytest.mark.unit
def test_the_words_of_a_health_check_have_no_spaces() -> None:
    checks = [
        service["healthcheck"]["test"] for service in SERVICES.values() if "healthcheck" in service
    ]

    assert len(checks) == 2
    assert not [word for check in checks for word in check if " " in word]


@pytest.mark.unit
def test_what_is_written_and_for_whom(folder: Path) -> None:
    secrets = folder / "secrets"
    lines = (secrets / "service.env").read_text(encoding="utf-8").splitlines()
    written = dict(line.split("=", 1) for line in lines)
    password = (secrets / "database_password").read_text(encoding="utf-8")

    assert re.fullmatch("[0-9a-f]{48}", password)
    assert re.fullmatch("[0-9a-f]{48}", written["VISIONSTACK_API_KEY"])
    assert written["VISIONSTACK_API_KEY"] != written["VISIONSTACK_ADMIN_KEY"]
    assert (secrets / "service.env").stat().st_mode & 0o777 == 0o600
    assert secrets.stat().st_mode & 0o777 == 0o700
    settings = read_settings({**written, **SERVICES["service"]["environment"], **_unset()})
    assert settings.database_url == f"postgresql://visionstack:{password}@database/visionstack"
    assert settings.open_metrics

    before = (secrets / "service.env").read_bytes()
    subprocess.run([folder / "make_secrets.sh"], check=True, capture_output=True)
    assert (secrets / "service.env").read_bytes() == before


def _unset() -> dict[str, str]:
    return {"VISIONSTACK_LOG": "on", "VISIONSTACK_REQUESTS_PER_MINUTE": ""}


@pytest.mark.unit
@pytest.mark.security
def test_no_secret_is_in_the_repository() -> None:
    assert (COMPOSE / ".gitignore").read_text(encoding="utf-8") == ".env\nsecrets/\n"
    text = (COMPOSE / "compose.yaml").read_text(encoding="utf-8")
    assert "POSTGRES_PASSWORD:" not in text
    assert "VISIONSTACK_API_KEY" not in text


@pytest.mark.integration
@pytest.mark.parametrize("profile", [(), ("--profile", "metrics"), ("--profile", "edge")])
def test_docker_compose_takes_it(folder: Path, profile: tuple[str, ...]) -> None:
    done = _config(folder, *profile)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.integration
@pytest.mark.fault
def test_without_an_image_the_next_move_is_said(folder: Path) -> None:
    (folder / ".env").unlink()

    done = _config(folder)

    assert done.returncode == 1
    assert "name the image in ops/compose/.env, as make image printed it" in done.stderr


def _config(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("no docker-compose; apt-get install docker-compose")
    return subprocess.run(
        [program, "-f", folder / "compose.yaml", *options, "config", "-q"],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _resolver(resolv_conf: str) -> str:
    """Returns what the proxy's command writes from a resolv.conf."""
    _, _, command = SERVICES["edge"]["command"]
    sed = command.replace("$$", "$").partition(" > /tmp/")[0].replace("/etc/resolv.conf", "")
    done = subprocess.run(
        ["sh", "-c", sed], input=resolv_conf, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.unit
@pytest.mark.parametrize(
    ("resolv_conf", "expected"),
    [
        ("search lan\nnameserver 127.0.0.11\noptions ndots:0\n", "127.0.0.11"),
        ("nameserver fd00::1\nnameserver  10.89.0.1\nnameserver 10.89.1.1\n", "10.89.0.1"),
    ],
)
def test_the_proxy_asks_the_resolver_of_its_container(resolv_conf: str, expected: str) -> None:
    assert _resolver(resolv_conf) == f"resolver {expected} valid=2s ipv6=off;\n"


@pytest.mark.integration
def test_nginx_takes_its_configuration(folder: Path, tmp_path: Path) -> None:
    if shutil.which("nginx") is None or shutil.which("openssl") is None:
        pytest.skip("no nginx or openssl; apt-get install nginx-light openssl")
    subprocess.run([folder / "make_secrets.sh", "--tls"], check=True, capture_output=True)
    text = (folder / "nginx" / "nginx.conf").read_text(encoding="utf-8")
    # What the container writes at its start, and the mounted folder, are those of compose.
    text = text.replace("/tmp/", f"{tmp_path}/")
    (tmp_path / "resolver.conf").write_text(_resolver("nameserver 10.89.0.1\nnameserver ::1\n"))
    (tmp_path / "nginx.conf").write_text(
        text.replace("/etc/nginx/tls", str(folder / "secrets" / "tls"))
    )

    done = subprocess.run(
        ["nginx", "-t", "-q", "-p", tmp_path, "-c", tmp_path / "nginx.conf"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 0, done.stderr
