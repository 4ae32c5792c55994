"""Real worker processes that write to one folder, as BentoML starts them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vision.home import repository

pytestmark = pytest.mark.integration

_WORKER = """
import sys
from serving.drift.verdict import Checked
from serving.metrics import Metrics
from serving.schema import DriftVerdict
metrics = Metrics()
n, version, generation, waiting, status = sys.argv[1:]
for _ in range(int(n)):
    metrics.request("/predict", "POST", 200, 0.01)
    metrics.prediction("digits", "3", 0.9, False)
metrics.model("digits", version, int(generation))
metrics.log_status(int(waiting), 1)
checked = Checked(verdict=DriftVerdict(status=status), seconds=float(waiting))
metrics.drift(checked, int(waiting))
print("ready", flush=True)
sys.stdin.read()
"""
_READER = "from serving.metrics import Metrics; print(Metrics().page()[0].decode())"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "shared"
    found.mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(found))
    return found


def _start(*arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _WORKER, *arguments],
        cwd=repository(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _page() -> dict[str, float]:
    output = subprocess.run(
        [sys.executable, "-c", _READER],
        cwd=repository(),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    lines = (line.rsplit(" ", 1) for line in output.splitlines() if line[:1] not in ("", "#"))
    return {name: float(value) for name, value in lines}


def _end(process: subprocess.Popen[str]) -> None:
    process.communicate("", timeout=30)


@pytest.mark.usefixtures("folder")
def test_ls04_the_page_of_any_worker_is_of_all_workers() -> None:
    workers = _start("3", "v1", "1", "10", "drift"), _start("4", "v2", "2", "5", "ok")
    try:
        found = _page()
    finally:
        for worker in workers:
            _end(worker)

    name = "visionstack_requests_total"
    assert found[f'{name}{{method="POST",route="/predict",status="200"}}'] == 7
    assert found['visionstack_request_seconds_count{route="/predict"}'] == 7
    assert found['visionstack_request_seconds_bucket{le="+Inf",route="/predict"}'] == 7
    assert found['visionstack_predictions_total{label="3",model="digits"}'] == 7
    assert found["visionstack_log_waiting"] == 15
    assert found["visionstack_log_dropped_total"] == 2
    # All workers share one verdict; the one that showed it last is right.
    assert found["visionstack_drift_window_images"] == 5
    assert found["visionstack_drift_status"] == 1
    assert found['visionstack_model_info{name="digits",version="v1"}'] == 1
    assert found['visionstack_model_info{name="digits",version="v2"}'] == 1
    generations = {
        f'visionstack_model_generation{{pid="{worker.pid}"}}': number
        for worker, number in zip(workers, (1.0, 2.0), strict=True)
    }
    assert generations.items() <= found.items()


@pytest.mark.parametrize("is_reaped", [True, False])
def test_ls04_a_killed_worker_keeps_its_counts_and_loses_its_gauges(
    folder: Path, is_reaped: bool
) -> None:
    killed, other = _start("3", "v1", "1", "10", "drift"), _start("4", "v2", "2", "5", "ok")
    try:
        killed.kill()
        # Whoever starts workers asks every ten seconds who has died; until then it is listed.
        os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
        if is_reaped:
            killed.wait(30)
        assert list(folder.glob(f"gauge_live*_{killed.pid}.db"))

        found = _page()
    finally:
        _end(other)
        killed.communicate()

    name = "visionstack_requests_total"
    assert found[f'{name}{{method="POST",route="/predict",status="200"}}'] == 7
    assert found["visionstack_log_waiting"] == 5
    assert found["visionstack_log_dropped_total"] == 2
    assert found["visionstack_drift_window_images"] == 5
    assert 'visionstack_model_info{name="digits",version="v1"}' not in found
    assert f'visionstack_model_generation{{pid="{killed.pid}"}}' not in found
    assert f'visionstack_model_generation{{pid="{other.pid}"}}' in found


def test_two_that_forget_a_worker_at_once_do_not_fail(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from serving.metrics import workers

    gone = folder / "gauge_livemax_999999999.db"
    gone.touch()
    forget = workers.mark_process_dead

    def after_another(pid: int, path: str) -> None:
        forget(pid, path)
        raise FileNotFoundError(gone)

    monkeypatch.setattr(workers, "mark_process_dead", after_another)
    assert workers.forget_dead_workers(folder) == (999999999,)
    assert workers.forget_dead_workers(folder) == ()


def test_files_of_others_in_the_folder_are_left_alone(folder: Path) -> None:
    from serving.metrics.workers import forget_dead_workers

    strange = folder / "gauge_livemax_strange.db"
    own = folder / f"gauge_livemax_{os.getpid()}.db"
    gone = folder / "gauge_livemax_999999999.db"
    counted = folder / "counter_999999999.db"
    for path in (strange, own, gone, counted):
        path.touch()

    assert forget_dead_workers(folder) == (999999999,)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        path.name for path in (strange, own, counted)
    )
