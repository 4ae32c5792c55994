"""How long a dataset revision takes to fetch, to look at again, and to check file by file.

    python benchmarks/revisions.py [n_files] [n_bytes]

Makes a repository with DVC and a folder as its remote (default 60,000 files of 2,000 bytes) in a
temporary folder and prints seconds and the growth of memory as JSON: ``first_s`` reads DVC's own
cache, ``again_s`` hashes what is in place (as every start of a pipeline does), ``unverified_s``
only looks at lengths and times (as its first step does), ``heal_s`` hashes folder and cache,
``describe_s`` compares the workspace with its commit, and ``from_remote_s`` fetches the same
revision into an empty home with DVC's cache gone.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from steps.revisions import describe_workspace, heal, resolve_revision
from vision.config import DatasetConfig
from vision.datasets.passes import n_cores

_N_CLASSES = 10


def make_repository(root: Path, n_files: int, n_bytes: int) -> DatasetConfig:
    """Writes a repository whose revision v1 holds ``images/<class>/NNNNNN.jpg``, pushed."""
    repository = root / "repository"
    rng = np.random.default_rng(0)
    for label in range(_N_CLASSES):
        (repository / "images" / str(label)).mkdir(parents=True)
    for number in range(n_files):
        path = repository / "images" / str(number % _N_CLASSES) / f"{number:06d}.jpg"
        path.write_bytes(rng.bytes(n_bytes))
    identity = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org")
    dvc = (sys.executable, "-m", "dvc", "--quiet")
    for command in (
        ("git", "init", "--quiet"),
        (*dvc, "init"),
        (*dvc, "remote", "add", "--default", "store", str(root / "store")),
        (*dvc, "add", "images"),
        (*dvc, "push"),
        ("git", "add", "--all"),
        ("git", *identity, "commit", "--quiet", "--message", "v1"),
        ("git", "tag", "v1"),
    ):
        subprocess.run(command, cwd=repository, check=True, stdout=subprocess.DEVNULL)
    return DatasetConfig(source="dvc", path=str(repository), subfolder="images", revision="v1")


def peak_memory_mb() -> float:
    """Returns the most memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def seconds(work: Callable[[], object]) -> float:
    """Returns how long a call takes."""
    started = time.perf_counter()
    work()
    return round(time.perf_counter() - started, 1)


def main(n_files: int = 60_000, n_bytes: int = 2_000) -> None:
    """Runs the benchmark and prints its figures."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        os.environ["VISIONSTACK_HOME"] = str(root / "home")
        dataset = make_repository(root, n_files, n_bytes)
        before_mb = peak_memory_mb()
        figures = {
            "n_files": n_files,
            "n_bytes": n_bytes,
            "cores": n_cores(),
            "first_s": seconds(lambda: resolve_revision(dataset)),
            "again_s": seconds(lambda: resolve_revision(dataset)),
            "unverified_s": seconds(lambda: resolve_revision(dataset, verify=False)),
            "heal_s": seconds(lambda: heal(dataset)),
            "describe_s": seconds(lambda: describe_workspace(Path(str(dataset.path), "images"))),
        }
        os.environ["VISIONSTACK_HOME"] = str(root / "second")
        shutil.rmtree(Path(str(dataset.path)) / ".dvc" / "cache")
        figures["from_remote_s"] = seconds(lambda: resolve_revision(dataset))
        figures["memory_growth_mb"] = round(peak_memory_mb() - before_mb, 1)
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
