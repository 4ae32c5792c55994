"""What ops/ starts: the image with docker-compose over podman, and with ``podman kube play``."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from steps.packaging.probing import ask_bad_images, ask_golden_images, wait_until_ready
from steps.packaging.running import RunningImage
from steps.rollout.manifests import write_kubernetes
from tests.fake_bundle import encode_image, solid_image
from tests.real_image import RealImage
from tests.servers import free_port
from vision.home import repository

pytestmark = [pytest.mark.soak, pytest.mark.integration]

OPS = repository() / "ops"
PROJECT = "visionstack-soak"
KEY = "k" * 20
READY_S = 120.0


def wait_for(what: Callable[[], object], within_s: float = 60.0) -> None:
    """Waits until it is true."""
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


def check_answers(service: RunningImage, bundle: Path) -> int:
    """Asks golden and bad images; returns how many the service had to predict."""
    n_golden, difference, tolerance = ask_golden_images(service, bundle)
    assert difference <= tolerance
    assert sorted(ask_bad_images(service).values()) == [413, 415, 422, 422]
    return n_golden


@dataclass(frozen=True)
class Composed:
    """The four containers of ops/compose."""

    image: RealImage
    folder: Path
    environment: dict[str, str]

    def compose(self, *words: str) -> str:
        command = ["docker-compose", "-p", PROJECT, "--profile", "edge", *words]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def podman(self, *words: str) -> str:
        return self.image.tool.do(*words, next_move="", timeout_s=60.0)

    def names(self) -> list[str]:
        label = f"label=com.docker.compose.project={PROJECT}"
        return self.podman("ps", "--all", "--filter", label, "--format", "{{.Names}}").split()

    def address(self, name: str) -> str:
        shown = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
        return self.podman("inspect", "-f", shown, name)

    def exit_codes(self) -> dict[str, int]:
        shown = "{{.State.ExitCode}}"
        return {each: int(self.podman("inspect", "-f", shown, each)) for each in self.names()}

    def watch_health(self, done: threading.Event) -> None:
        """Does what systemd does for podman elsewhere."""
        while not done.wait(2.0):
            for name in self.names():
                self.image.tool.try_to("healthcheck", "run", name)


@pytest.fixture
def composed(real_image: RealImage, tmp_path: Path) -> Iterator[Composed]:
    """All four containers, as somebody starts them who has read the header of compose.yaml."""
    if shutil.which("docker-compose") is None or not _has_networks():
        pytest.skip("needs docker-compose, netavark, aardvark-dns and iptables")
    ignored = shutil.ignore_patterns("secrets", ".env", "kubernetes")
    shutil.copytree(OPS, tmp_path / "ops", ignore=ignored)
    folder = tmp_path / "ops" / "compose"
    subprocess.run([folder / "make_secrets.sh", "--tls"], check=True, capture_output=True)
    debian = [OPS / "image" / "make_debian.sh"]
    others = subprocess.run(debian, check=True, capture_output=True, text=True).stdout
    ports = {name: free_port() for name in ("PORT", "PROMETHEUS_PORT", "EDGE_PORT")}
    lines = [f"{name}={port}" for name, port in ports.items()]
    image = f"VISIONSTACK_IMAGE=localhost/{real_image.built.tag}"
    (folder / ".env").write_text("\n".join([image, *lines, others]))
    socket = f"unix://{tmp_path}/podman.sock"
    environment = {**os.environ, "DOCKER_HOST": socket}
    found = Composed(real_image, folder, environment)
    command = [real_image.tool.program, "system", "service", "--time", "0", socket]
    done = threading.Event()
    health = threading.Thread(target=found.watch_health, args=(done,))
    with (tmp_path / "podman.txt").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_for((tmp_path / "podman.sock").exists)
            health.start()
            found.compose("up", "-d")
            yield found
        finally:
            found.compose("down", "--volumes")
            done.set()
            health.join()
            server.terminate()
            server.wait(30)


def _has_networks() -> bool:
    helpers = ("/usr/lib/podman", "/usr/libexec/podman")
    return shutil.which("iptables") is not None and all(
        any((Path(folder) / name).exists() for folder in helpers)
        for name in ("netavark", "aardvark-dns")
    )


def _settings(file: Path) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", file.read_text(), re.MULTILINE))


def test_compose_starts_service_database_metrics_and_proxy(composed: Composed) -> None:
    ports = _settings(composed.folder / ".env")
    key = _settings(composed.folder / "secrets" / "service.env")["VISIONSTACK_API_KEY"]
    name = next(each for each in composed.names() if "service" in each)
    address = f"http://127.0.0.1:{ports['PORT']}"
    service = RunningImage(composed.image.tool, name, address, key, time.monotonic())
    wait_until_ready(service, READY_S)
    n_predicted = check_answers(service, composed.image.bundle)
    assert service.confinement().problems() == []

    # Through the proxy, too, with the certificate that was made for trying.
    context = ssl.create_default_context(cafile=composed.folder / "secrets" / "tls" / "tls.crt")
    edge = f"https://localhost:{ports['EDGE_PORT']}"
    with httpx.Client(verify=context, trust_env=False, base_url=edge, timeout=30) as client:
        files = {"image": ("image.png", encode_image(solid_image("red")))}
        sent = client.post("/predict", files=files, headers={"Authorization": f"Bearer {key}"})
        assert (sent.status_code, client.get("/metrics").status_code) == (200, 404)
    n_predicted += 1

    database = next(each for each in composed.names() if "database" in each)
    password = f"PGPASSWORD={(composed.folder / 'secrets' / 'database_password').read_text()}"
    question = "select count(*) from predictions"
    ask = ("exec", "-e", password, database, "psql", "-U", "visionstack", "-tAc", question)
    wait_for(lambda: composed.podman(*ask) == str(n_predicted))
    wait_for(lambda: _metric(ports["PROMETHEUS_PORT"]) >= n_predicted)

    before = composed.address(name)
    # As a roll-out replaces it.
    composed.compose("up", "-d", "--force-recreate", "--no-deps", "service")
    wait_until_ready(service, READY_S)
    assert composed.address(name) != before
    with httpx.Client(verify=context, trust_env=False, base_url=edge, timeout=30) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200, within_s=10.0)

    composed.compose("stop", "--timeout", "30")
    assert composed.exit_codes() == dict.fromkeys(composed.names(), 0)


def _metric(port: str) -> float:
    asked = {"query": 'sum(visionstack_requests_total{route="/predict",status="200"})'}
    answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/query", params=asked, trust_env=False)
    return sum(float(each["value"][1]) for each in answer.json()["data"]["result"])


@contextmanager
def played(image: RealImage, objects: list[dict[str, Any]], folder: Path) -> Iterator[None]:
    """Runs the objects with podman; nothing of them is left after the block."""
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(objects))
    keys = {"VISIONSTACK_API_KEY": KEY, "VISIONSTACK_ADMIN_KEY": "a" * 20}
    # podman has a secret's values as Kubernetes has them.
    coded = {name: base64.b64encode(each.encode()).decode() for name, each in keys.items()}
    (folder / "keys.json").write_text(json.dumps(coded))
    tool = image.tool
    try:
        tool.do("secret", "create", "visionstack-keys", str(folder / "keys.json"), next_move="")
        tool.do("kube", "play", str(folder / "objects.yaml"), next_move="", timeout_s=120.0)
        yield
    finally:
        tool.try_to("kube", "down", str(folder / "objects.yaml"), timeout_s=120.0)
        tool.try_to("volume", "rm", "visionstack-state")
        tool.try_to("secret", "rm", "visionstack-keys")


def test_podman_plays_the_manifests(
    real_image: RealImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl to render the overlay with")
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path / "home"))
    overlay = write_kubernetes(f"localhost/{real_image.built.tag}", "v1", "on-prem")
    command = ["kubectl", "kustomize", overlay]
    rendered = subprocess.run(command, check=True, capture_output=True).stdout
    objects = {each["kind"]: each for each in yaml.safe_load_all(rendered)}
    [container] = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
    port = free_port()
    # A cluster has its Service; podman would publish the port to everybody.
    container["ports"][0] |= {"hostPort": port, "hostIP": "127.0.0.1"}

    with played(real_image, list(objects.values()), tmp_path):
        name = f"visionstack-pod-0-{container['name']}"
        address = f"http://127.0.0.1:{port}"
        service = RunningImage(real_image.tool, name, address, KEY, time.monotonic())
        wait_until_ready(service, READY_S)
        check_answers(service, real_image.bundle)
        held = service.confinement()
        assert (held.problems(), held.uid) == ([], 10001)
        assert service.stop(30) == 0
