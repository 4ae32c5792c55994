"""ZenML's dashboard with runs of the demonstration: what it shows, and that it asks nobody.

The pictures of the documentation are made here: VISIONSTACK_PICTURES=docs/images renews them.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.browser import Watched, find_chromium
from tests.demo import BIN, Demo
from tests.servers import free_port, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.integration,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine"),
]

PNG = b"\x89PNG\r\n\x1a\n"
SHOWN = {
    "annotation_table": ["samples.png", "summary.html"],
    "image_properties": ["histograms.png", "summary.html"],
    "validation_report": ["report.html"],
    "dataset_verdict": ["verdict.html"],
    "selected_images": ["samples.png", "summary.html"],
    "augmented_samples": ["output.html"],
    "trained_model": ["learning_curves.png", "epochs.html"],
    "evaluation_report": ["confusion_matrix.png", "per_class.png", "summary.html"],
    "model_verdict": ["verdict.html"],
    "bundle": ["model_card.md", "drift_power.html", "summary.html"],
    "registered_model": ["summary.md"],
}
# Of the deployment, behind those of training.
DEPLOYED = {
    "comparison": ["comparison.html"],
    "deployment_decision": ["decision.html"],
    "bento": ["package.html"],
    "bento_test": ["package.html"],
    "image": ["package.html"],
    "trial": ["roll_out.html"],
    "promoted": ["promoted.html"],
    "roll_out": ["roll_out.html"],
    "passport": ["passport.html"],
}
TRAINING = "configs/train.yaml"
KINDS = {".png": "image", ".html": "html", ".md": "markdown"}
PICTURES = ("annotation_table", "validation_report", "evaluation_report")

# Said by the browser of ZenML's own page, of what it may not ask for or run.
OF_ZENML = ("Content Security Policy", "the document's frame is sandboxed")


@dataclass(frozen=True)
class Dashboard:
    """A running dashboard and what its interface says of the run."""

    client: httpx.Client
    run: str
    nodes: dict[str, dict[str, str]]
    steps: frozenset[str]

    @property
    def address(self) -> str:
        return str(self.client.base_url)

    def visualizations(self, artifact: str) -> list[tuple[str, dict[str, Any]]]:
        """Returns the file name of each thing to look at, and what the dashboard gets for it."""
        place = f"/api/v1/artifact_versions/{self.nodes['artifact'][artifact]}"
        saved = self.client.get(place).json()["metadata"]["visualizations"]
        answers = [
            self.client.get(f"{place}/visualize", params={"index": i}) for i in range(len(saved))
        ]
        assert [answer.status_code for answer in answers] == [200] * len(saved)
        names = [one["body"]["uri"].rsplit("/", 1)[-1] for one in saved]
        return list(zip(names, (answer.json() for answer in answers), strict=True))


@pytest.fixture(scope="module")
def client(demo: Demo) -> Iterator[httpx.Client]:
    """The server that ``make dashboard`` starts, in the foreground and on a free port."""
    port = free_port()
    command = [str(BIN / "zenml"), "login", "--local", "--blocking", "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    log = demo.folder / "dashboard.txt"
    with (
        running(command, demo.environment, log, f"{address}/health", 90, stop=signal.SIGINT),
        httpx.Client(base_url=address, timeout=30, trust_env=False) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def dashboard(demo: Demo, client: httpx.Client) -> Dashboard:
    """A training, whose steps come from the cache of the demonstration."""
    file = demo.folder / "training.json"
    done = demo.run("--config", TRAINING, "--report", str(file))
    assert done.returncode == 0, done.stderr
    return dashboard_of(client, json.loads(file.read_text()))


@pytest.fixture(scope="module")
def deployed(demo: Demo, client: httpx.Client) -> Dashboard:
    """The demonstration itself, with its deployment."""
    return dashboard_of(client, demo.report)


def dashboard_of(client: httpx.Client, report: dict[str, Any]) -> Dashboard:
    run = report["pipeline_run"]["id"]
    nodes: dict[str, dict[str, str]] = {"step": {}, "artifact": {}}
    for node in client.get(f"/api/v1/runs/{run}/dag").json()["nodes"]:
        nodes[node["type"]][node["name"]] = node["id"]
    return Dashboard(client, run, nodes, frozenset(report["seconds"]))


@pytest.fixture
def watched(browser: Browser, dashboard: Dashboard) -> Iterator[Watched]:
    page = browser.new_page(viewport={"width": 1400, "height": 1250})
    yield Watched(page, dashboard.address)
    page.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chosen = os.environ.get("VISIONSTACK_PICTURES")
    return Path(chosen) if chosen else tmp_path_factory.mktemp("pictures")


def picture_width(path: Path) -> int:
    content = path.read_bytes()
    assert content.startswith(PNG)
    return int(struct.unpack(">I", content[16:20])[0])


def test_the_page_of_the_run_shows_its_graph(
    dashboard: Dashboard, watched: Watched, pictures: Path
) -> None:
    watched.open_run(dashboard.run)
    shown = {
        text.split()[0] for text in watched.page.locator(".react-flow__node").all_inner_texts()
    }
    assert shown == dashboard.steps | set(SHOWN)
    watched.page.get_by_text("completed", exact=True).wait_for()
    watched.save(pictures / "dashboard.png")
    assert (pictures / "dashboard.png").stat().st_size < 300_000


@pytest.mark.parametrize("artifact", PICTURES)
def test_an_artifact_is_looked_at_with_two_clicks(
    dashboard: Dashboard, watched: Watched, pictures: Path, artifact: str
) -> None:
    watched.page.set_viewport_size({"width": 1400, "height": 1060})
    watched.open_run(dashboard.run)
    shown = watched.open_artifact(artifact)
    picture = pictures / f"artifact-{artifact.replace('_', '-')}.png"
    watched.save(picture, down_to=shown)
    assert picture.stat().st_size < 250_000
    assert watched.sent == []
    assert [error for error in watched.errors if not any(w in error for w in OF_ZENML)] == []


@pytest.mark.parametrize("artifact", SHOWN | DEPLOYED)
def test_every_artifact_has_something_to_look_at(
    dashboard: Dashboard, deployed: Dashboard, artifact: str
) -> None:
    found = (deployed if artifact in DEPLOYED else dashboard).visualizations(artifact)
    assert [name for name, _ in found] == (SHOWN | DEPLOYED)[artifact]
    for name, answer in found:
        assert answer["type"] == KINDS[Path(name).suffix]
        if name.endswith(".png"):
            assert base64.b64decode(answer["value"]).startswith(PNG)
        if name.endswith(".html"):
            assert answer["value"].lower().startswith("<!doctype html>")


def test_our_pages_load_nothing_and_have_no_errors(
    dashboard: Dashboard, deployed: Dashboard, watched: Watched, tmp_path: Path
) -> None:
    for artifact in SHOWN | DEPLOYED:
        run = deployed if artifact in DEPLOYED else dashboard
        for name, answer in run.visualizations(artifact):
            if name.endswith(".html"):
                file = tmp_path / f"{artifact}-{name}"
                file.write_text(answer["value"], encoding="utf-8")
                watched.address = file.as_uri()
                watched.page.goto(file.as_uri(), wait_until="networkidle")
                assert watched.page.locator("h1").first.inner_text() != ""
    assert watched.sent == []
    assert watched.errors == []


def test_it_says_where_charts_are_left_out(dashboard: Dashboard, watched: Watched) -> None:
    watched.open_run(dashboard.run)
    note = watched.open_artifact("validation_report").content_frame.locator("noscript p")
    note.wait_for()
    assert note.inner_text().startswith("Charts are left out here. Download this page")


def test_its_own_page_asks_no_other_host(dashboard: Dashboard, watched: Watched) -> None:
    watched.page.goto(f"{dashboard.address}/", wait_until="networkidle")
    watched.page.get_by_text("Welcome back").wait_for()  # and no survey in front of it
    watched.open_run(dashboard.run)
    # It would: the browser keeps what the header forbids from being sent.
    assert any("avatar" in error for error in watched.errors)
    assert watched.sent == []


def test_the_server_asks_no_other_host(demo: Demo, dashboard: Dashboard) -> None:
    assert dashboard.client.get("/api/v1/info").json()["analytics_enabled"] is False
    assert [line for line in demo.contacts if line.startswith("outside")] == []


@pytest.mark.parametrize(
    "name", ["dashboard", *(f"artifact-{n.replace('_', '-')}" for n in PICTURES)]
)
def test_the_documentation_has_its_pictures(name: str) -> None:
    path = Path(__file__).parents[1] / "docs" / "images" / f"{name}.png"
    assert 600 <= picture_width(path) <= 1400
    assert path.stat().st_size < 300_000
