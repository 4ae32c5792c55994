"""The demonstration: one command trains, checks and publishes a classifier that then answers."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.demo import CONFIG, SPY, Demo

pytestmark = [pytest.mark.slow, pytest.mark.integration]

# Lines that say nothing to a user, each seen before it was silenced; and what a defect looks like.
NOISE = (
    "cuDNN", "cuBLAS", "cuInit", "cuFFT", "absl", "pkg_resources is deprecated", "Traceback",
    "Warning", "WARNING", "ERROR",
)  # fmt: skip

# What a person sees of the work while it goes on, where there is no terminal.
PROGRESS = re.compile(
    r"(reading|measuring|comparing) images: .*|checking properties: .*"
    r"|comparing (similar images|their neighbours): .*|decoding (images|train|validation): .*"
    r"|epoch \d+ of 12: loss .*|evaluating test: .*|making the reference set: .*"
    r"|calibrating the drift detectors: .*|decoding held-out images: .*"
    r"|measuring what drift is seen: .*|metric: there is no champion yet; .*|cost: .*"
    r"|bento visionstack:.*|licences of bento .*|goes on without an image: .*"
    r"|(docker|podman|buildah) built .*"
    r"|champion of digits: .* \(before: none\)|1 services serve digits .*|roll-out of digits .*"
)

STEPS = (
    "load_dataset", "compute_properties", "validate_dataset", "gate_dataset", "select_images",
    "preview_augmentation", "train_model", "evaluate_model", "gate_model", "build_bundle",
    "register_model",
)  # fmt: skip
# What a deployment does depends on what is served and built now, so it is never from the cache.
DEPLOYS = (
    "compare_models", "gate_deployment", "build_bento", "try_bento", "build_image",
    "try_candidate", "promote_model", "roll_out", "report_deployment",
)  # fmt: skip


def n_versions(demo: Demo) -> dict[str, int]:
    """How many versions of the model each place that registers it has."""
    databases = {
        "MLflow": (demo.home / "mlflow.db", "model_versions"),
        "ZenML": (demo.folder / "zenml/local_stores/default_zen_store/zenml.db", "model_version"),
    }
    counts = {}
    for name, (path, table) in databases.items():
        connection = sqlite3.connect(path)
        [(counts[name],)] = connection.execute(f"select count(*) from {table}").fetchall()
        connection.close()
    stored = (demo.folder / "bentoml/models/digits").iterdir()
    counts["BentoML"] = sum(path.is_dir() for path in stored)
    counts["bundles"] = sum(1 for _ in (demo.home / "bundles/digits").iterdir())
    return counts


def test_it_trains_a_good_classifier(demo: Demo) -> None:
    assert demo.report["status"] == "completed"
    assert 0.97 <= demo.report["metrics"]["accuracy"] <= 1.0
    assert 0.96 <= demo.report["metrics"]["macro_f1"] <= 1.0
    assert all(gate["passed"] for gate in demo.report["gates"])
    assert set(demo.report["seconds"]) == {*STEPS, *DEPLOYS}


def test_the_report_has_the_keys_that_scripts_rely_on(demo: Demo) -> None:
    report = demo.report
    assert list(report) == [
        "pipeline", "status", "pipeline_run", "tracking_run", "metrics", "gates", "model",
        "bundle", "seconds", "findings", "left_out", "monitoring", "deployment",
    ]  # fmt: skip
    assert set(report["pipeline_run"]) == set(report["tracking_run"]) == {"id", "url"}
    assert set(report["model"]) == {"name", "version"}
    assert {tuple(gate) for gate in report["gates"]} == {("name", "passed", "value", "rule")}
    assert {tuple(finding) for finding in report["findings"]} == {
        ("check", "severity", "n_images", "images")
    }


def test_it_packages_promotes_and_rolls_out(demo: Demo) -> None:
    version = demo.report["model"]["version"]
    gate, image, rolled_out, passport = demo.report["deployment"]
    assert gate == f"digits {version} is promoted: nothing speaks against it"
    assert image.startswith(("podman built", "docker built", "buildah built")) or "no " in image
    assert rolled_out.startswith(f"roll-out of digits {version}: done")
    page = Path(passport.removeprefix("passport: "))
    assert page == demo.home / "passports/digits" / f"{version}.html"
    assert version in page.read_text(encoding="utf-8")
    assert "has stopped. Start yours: make serve" in demo.process.stdout


def test_it_writes_where_it_was_told_and_names_the_bundle(demo: Demo) -> None:
    bundle = Path(demo.report["bundle"])
    assert bundle == demo.home / "bundles/digits" / demo.report["model"]["version"]
    assert (bundle / "manifest.json").is_file()
    champion = json.loads((demo.home / "champions/digits.json").read_text())
    assert champion["version"] == demo.report["model"]["version"]


def test_it_prints_progress_and_no_noise(demo: Demo) -> None:
    printed = demo.process.stderr
    assert [word for word in NOISE if word in printed] == []
    assert [line for line in printed.splitlines() if not PROGRESS.fullmatch(line)] == []
    for step in (*STEPS, *DEPLOYS):
        assert f"Step `{step}` has finished in" in demo.process.stdout


def test_nothing_leaves_this_machine(demo: Demo) -> None:
    assert [line for line in demo.contacts if line.startswith("outside")] == []


def test_it_needs_no_network(demo: Demo) -> None:
    if not demo.is_cut_off:
        pytest.skip("no network namespace may be made here (unshare --net)")
    assert demo.process.returncode == 0


@pytest.mark.parametrize(
    ("call", "target"),
    [
        ("socket.socket().connect(('192.0.2.1', 9))", "connect ('192.0.2.1', 9)"),
        ("socket.socket().connect_ex(('192.0.2.1', 9))", "connect ('192.0.2.1', 9)"),
        ("udp.sendto(b'x', ('192.0.2.1', 9))", "sendto ('192.0.2.1', 9)"),
        ("socket.getaddrinfo('example.invalid', 80)", "getaddrinfo 'example.invalid'"),
        ("socket.gethostbyname('example.invalid')", "gethostbyname 'example.invalid'"),
    ],
)
def test_the_spy_refuses_and_notes_what_would_leave(tmp_path: Path, call: str, target: str) -> None:
    notes = tmp_path / "contacts.txt"
    inner = f"import socket; udp = socket.socket(type=socket.SOCK_DGRAM); {call}"
    outer = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {inner!r}]))"
    done = subprocess.run(
        [sys.executable, "-c", outer],
        env={"PYTHONPATH": str(SPY), "SOCKET_SPY": str(notes)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "the socket spy refuses" in done.stderr
    assert notes.read_text().splitlines() == [f"outside socket.{target} by -c"]


def test_the_same_again_is_taken_from_the_cache(demo: Demo) -> None:
    before = n_versions(demo)
    file = demo.folder / "second.json"
    done = demo.run("--config", CONFIG, "--report", str(file))
    assert done.returncode == 0, done.stderr
    second = json.loads(file.read_text())
    cached = [step for step in STEPS if step != "register_model"]  # it looks what is registered
    assert {step: second["seconds"][step] for step in cached} == dict.fromkeys(cached, 0.0)
    assert all(f"Using cached version of step `{step}`" in done.stdout for step in cached)
    same = ("model", "bundle", "tracking_run", "metrics", "gates", "findings")
    assert {key: second[key] for key in same} == {key: demo.report[key] for key in same}
    assert second["pipeline_run"]["id"] != demo.report["pipeline_run"]["id"]
    assert before == n_versions(demo) == {"MLflow": 1, "ZenML": 1, "BentoML": 1, "bundles": 1}


def test_the_service_then_knows_the_digits(demo: Demo, service: str) -> None:
    classes = sorted((demo.home / "datasets/digits").iterdir())
    images = [sorted(folder.iterdir())[position] for folder in classes for position in (0, -1)]
    right = 0
    with httpx.Client(base_url=service, timeout=10, trust_env=False) as client:
        for path in images:
            response = client.post("/predict", files={"image": path.read_bytes()})
            assert response.status_code == 200, response.text
            answer = response.json()
            assert set(answer["probabilities"]) == {folder.name for folder in classes}
            right += answer["prediction"]["label"] == path.parent.name
        assert client.get("/model").json()["version"] == demo.report["model"]["version"]
    assert len(images) == 20
    assert right >= 18
