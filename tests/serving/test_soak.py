"""Half an hour of steady requests on the real service: no errors, and nothing that grows."""

from __future__ import annotations

import os
import time
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from tests.fake_bundle import CLASSES, VERSION, encode_image, solid_image
from tests.serving.models.running_service import run_service

pytestmark = [pytest.mark.integration, pytest.mark.soak]

LASTS_S = float(os.environ.get("SOAK_SECONDS", "1800"))
WARMS_UP_S = LASTS_S / 3
LOOKS_EVERY_S = LASTS_S / 60
MOST_MB_PER_MINUTE = 1.0


def test_ls01_nothing_grows_under_steady_load(tmp_path: Path) -> None:
    images = {label: encode_image(solid_image(label, (96, 96)), ".jpg") for label in CLASSES}
    looks: list[tuple[float, float, int]] = []
    with (
        run_service(tmp_path, {VERSION: 10.0}) as service,
        httpx.Client(base_url=service.address, timeout=30, trust_env=False) as client,
    ):
        processes = [psutil.Process(service.process.pid)]
        processes += processes[0].children(recursive=True)
        started = time.monotonic()
        n_answers = 0
        while (now_s := time.monotonic() - started) < LASTS_S:
            label = CLASSES[n_answers % len(CLASSES)]
            response = client.post("/predict", files={"image": ("a.jpg", images[label])})
            assert response.status_code == 200, response.text
            assert response.json()["prediction"]["label"] == label
            n_answers += 1
            if now_s > WARMS_UP_S and now_s > WARMS_UP_S + len(looks) * LOOKS_EVERY_S:
                memory = sum(each.memory_info().rss for each in processes) / 2**20
                looks.append((now_s / 60, memory, sum(each.num_fds() for each in processes)))
            time.sleep(0.02)
        assert client.get("/readyz").json()["status"] == "ready"
    minutes, memory_mb, n_files = np.array(looks).T
    slope = float(np.polyfit(minutes, memory_mb, 1)[0])
    print(
        f"{n_answers:,} answers, {slope:+.2f} MB a minute, {n_files[0]:g} to {n_files[-1]:g} files"
    )
    # Over a short run the noise of a few megabytes would be a slope.
    assert slope <= MOST_MB_PER_MINUTE * max(1.0, 1800 / LASTS_S)
    assert n_files[-10:].max() <= n_files[:10].max() + 5
