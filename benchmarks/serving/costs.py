"""What single choices cost: threads of ONNX Runtime, batching, the log and the drift check."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import servers
from bundles import make_bundle, photographs
from client import drive, multipart_request

from vision.bundles.graph import INPUT, OUTPUTS
from vision.bundles.load import read_manifest

_N_ROUNDS = 3
_ROUND_S = 1.5
_N_CONNECTIONS = 8


def measure(bundle: Path, folder: Path, seconds: float) -> dict[str, Any]:
    """Measures everything, and prints nothing."""
    large = make_bundle(folder / "large", "resnet50", 224)
    return {
        "service": _service(bundle, folder, seconds),
        "threads": _threads(large),
        "batches": [*_batches(bundle), *_batches(large)],
    }


def _service(bundle: Path, folder: Path, seconds: float) -> dict[str, Any]:
    """Compares the service with itself without log and without drift checks, in turn.

    ``cpu_ms`` is at full load, ``p50_ms`` the median latency on one connection.
    """
    requests = [multipart_request("/predict", photo, {}) for photo in photographs(16, 224)]
    off = {
        "VISIONSTACK_LOG": "off",
        "VISIONSTACK_DRIFT_EVERY_N": "1000000000",
        "VISIONSTACK_DRIFT_EVERY_S": "1000000",
    }
    with (
        servers.service(bundle, folder / "with") as full,
        servers.service(bundle, folder / "without", off) as reduced,
    ):
        running = {"with": full, "without": reduced}
        cpu_ms: dict[str, list[float]] = {name: [] for name in running}
        p50_ms: dict[str, list[float]] = {name: [] for name in running}
        for number in range(-1, _N_ROUNDS):
            for name, server in running.items():
                alone = drive(server.port, requests, 1, seconds)
                before_s = server.cpu_s()
                load = drive(server.port, requests, _N_CONNECTIONS, seconds)
                # Rows go to the database after the answers, and belong to their price.
                time.sleep(2.0)
                if number >= 0:
                    used_s = server.cpu_s() - before_s
                    cpu_ms[name].append(1e3 * used_s / len(load.latencies_s))
                    p50_ms[name].append(1e3 * alone.quantile_s(0.5))
        memory_mb, ready_s = full.memory_mb(), full.ready_s
    return {
        "ready_s": ready_s,
        "memory_mb": memory_mb,
        "cpu_ms": {name: float(np.median(values)) for name, values in cpu_ms.items()},
        "p50_ms": {name: float(np.median(values)) for name, values in p50_ms.items()},
    }


def _threads(bundle: Path) -> list[dict[str, Any]]:
    """Calls the graph with one and two threads a call, spinning or not, by one and two callers."""
    rows = []
    for n_threads in (1, 2):
        for is_spinning in (False, True):
            session = _open(bundle, n_threads, is_spinning)
            for n_callers in (1, len(os.sched_getaffinity(0))):
                rate, cpu_ms = _call(session, bundle, n_callers)
                rows.append(
                    {
                        "n_threads": n_threads,
                        "is_spinning": is_spinning,
                        "n_callers": n_callers,
                        "calls_per_s": rate,
                        "cpu_ms": cpu_ms,
                    }
                )
    return rows


def _batches(bundle: Path) -> list[dict[str, Any]]:
    """Gives the graph several images at once; batching pays where an image then costs less.

    Processor time on one thread, which others on the machine hardly change.
    """
    manifest = read_manifest(bundle)
    session = _open(bundle, 1, is_spinning=False)
    rows = []
    for n_images in (1, 2, 4, 8):
        images = _images(bundle, n_images)
        times = []
        for _ in range(12):
            started = time.process_time()
            session.run(list(OUTPUTS), {INPUT: images})
            times.append(time.process_time() - started)
        rows.append(
            {
                "architecture": f"{manifest.architecture}, {manifest.input_size[0]} px",
                "n_images": n_images,
                "ms_per_image": 1e3 * float(np.median(times[2:])) / n_images,
            }
        )
    return rows


def _open(bundle: Path, n_threads: int, is_spinning: bool) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(is_spinning)))
    return onnxruntime.InferenceSession(
        str(bundle / "serving.onnx"), options, providers=["CPUExecutionProvider"]
    )


def _images(bundle: Path, n_images: int) -> np.ndarray:
    size = read_manifest(bundle).input_size
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n_images, *size, 3)).astype(np.uint8)


def _call(
    session: onnxruntime.InferenceSession, bundle: Path, n_callers: int
) -> tuple[float, float]:
    """Returns calls a second, and processor time of a call in ms."""
    images = _images(bundle, 1)
    counts = [0] * n_callers
    session.run(list(OUTPUTS), {INPUT: images})
    started, cpu_before = time.perf_counter(), time.process_time()

    def keep_calling(caller: int) -> None:
        while time.perf_counter() - started < _ROUND_S:
            session.run(list(OUTPUTS), {INPUT: images})
            counts[caller] += 1

    threads = [threading.Thread(target=keep_calling, args=(n,)) for n in range(n_callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu_before
    return sum(counts) / seconds, 1e3 * cpu_s / sum(counts)
