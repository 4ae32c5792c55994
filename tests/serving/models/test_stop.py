"""The real service is asked to end, or killed, while it changes its model."""

import os
import signal
from pathlib import Path

import httpx
import pytest

from tests.fake_bundle import NAME, write_fake_bundle
from tests.serving.models.running_service import run_service

pytestmark = [pytest.mark.integration, pytest.mark.fault]

ENDS_WITHIN_S = 20

# Read by every Python process that has its folder on the path: loading a bundle takes for ever.
HANG = """
import os, sys, time
def hang(event, arguments):
    if event == "open" and str(arguments[0]).endswith("labels.json"):
        print("hanging", flush=True)
        time.sleep(600)
sys.addaudithook(hang)
"""


def is_gone(address: str) -> bool:
    """Tells whether nothing answers any more, no worker that was left behind either."""
    try:
        httpx.get(f"{address}/livez", timeout=5, trust_env=False)
    except httpx.TransportError:
        return True
    return False


def test_mu08_the_service_ends_while_it_loads(tmp_path: Path) -> None:
    write_fake_bundle(tmp_path / "slow")
    (tmp_path / "hang").mkdir()
    (tmp_path / "hang/sitecustomize.py").write_text(HANG)
    paths = [str(tmp_path / "hang"), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = {
        "VISIONSTACK_BUNDLE": str(tmp_path / "slow"),
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
    }
    with run_service(tmp_path, {}, health="/livez", **variables) as service:
        service.wait_for_line("hanging")
        assert httpx.get(f"{service.address}/readyz", trust_env=False).status_code == 503
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(ENDS_WITHIN_S) == 0
    assert "Traceback" not in service.log.read_text()
    assert is_gone(service.address)


@pytest.mark.slow
def test_mu02_a_worker_killed_between_pointer_and_swap_comes_back_with_the_new_model(
    tmp_path: Path,
) -> None:
    point = "pointer-renamed"
    with run_service(tmp_path, {"v1": 8.0, "v2": 9.0}, VISIONSTACK_FAULT_AT=point) as service:
        chosen = {"name": NAME, "version": "v2"}
        with httpx.Client(base_url=service.address, timeout=30, trust_env=False) as client:
            with pytest.raises(httpx.TransportError):
                client.put("/model", json=chosen)
            service.wait_for_line(f"Serving {NAME} v2 (start, generation 1)")
            assert client.get("/readyz").json()["model"] == chosen
            # Nothing is left to be changed, so no fault point is met.
            again = client.put("/model", json=chosen)
            assert (again.status_code, again.json()["generation"]) == (200, 1)
