"""How much of what is wrong with a dataset each check finds, and how much of what it says is so.

    python benchmarks/planted_faults.py [SAMPLE] [--write docs/planted-faults.md]

SAMPLE is a folder with ``train`` and ``test`` folders of classes. It is copied to a temporary
folder, checked, spoilt with faults whose places are known, and checked again by both data
validators. Prints a table in Markdown and the cost as JSON; the faults are the same every time.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from stacks.flavors.deepchecks_suites import run_suites
from vision.config import DatasetConfig, ValidationConfig
from vision.datasets.load import load_annotations
from vision.datasets.table import AnnotationTable
from vision.environment import prepare
from vision.properties import compute_properties
from vision.validation.find import find_problems
from vision.validation.measured import selected_checks
from vision.validation.report import Finding

N_EXACT, N_NEAR, N_CORRUPT, N_OUTLIERS = 50, 50, 20, 10
WRONG_LABELS = 0.05
DARKER = 60
TOP = 100


@dataclass
class Planted:
    """Which images a fault is in, by the check that should find it."""

    paths: dict[str, set[str]] = field(default_factory=dict)

    def add(self, check: str, path: Path, root: Path) -> None:
        """Notes an image."""
        self.paths.setdefault(check, set()).add(path.relative_to(root).as_posix())


def plant(root: Path, seed: int = 0) -> Planted:
    """Spoils a folder of images and returns where; each image gets at most one fault."""
    rng = np.random.default_rng(seed)
    planted = Planted()
    darken(root / "test")
    train = [path for path in sorted((root / "train").rglob("*")) if path.is_file()]
    test = [path for path in sorted((root / "test").rglob("*")) if path.is_file()]
    free = [train[position] for position in rng.permutation(len(train))]
    for _ in range(N_EXACT):
        copy_across(free.pop(), root, "exact", "duplicates_across_splits", planted)
    for number in range(N_NEAR):
        copy_across(free.pop(), root, "near", "near_duplicates_across_splits", planted, number)
    for number in range(N_CORRUPT):
        damage(path := free.pop(), number)
        planted.add("corrupt_images", path, root)
    for number in range(N_OUTLIERS):
        resize(path := free.pop(), number)
        planted.add("outlying_images", path, root)
    candidates = [*free, *(test[position] for position in rng.permutation(len(test)))]
    classes = sorted(folder.name for folder in (root / "train").iterdir())
    for position in rng.choice(len(candidates), round(WRONG_LABELS * len(train + test)), False):
        moved = relabel(candidates[position], classes, rng)
        planted.add("likely_wrong_labels", moved, root)
    return planted


def darken(folder: Path) -> None:
    """Takes brightness from every image of a split."""
    for path in (path for path in sorted(folder.rglob("*")) if path.is_file()):
        image = cv2.imread(str(path))
        assert image is not None
        cv2.imwrite(str(path), cv2.subtract(image, (DARKER,) * 4), [cv2.IMWRITE_JPEG_QUALITY, 95])


def copy_across(
    path: Path, root: Path, name: str, check: str, planted: Planted, change: int | None = None
) -> None:
    """Puts a copy of a training image into the test split, as it is or changed."""
    target = root / "test" / path.parent.name / f"{name}-{path.name}"
    if change is None:
        shutil.copyfile(path, target)
    else:
        image = cv2.imread(str(path))
        assert image is not None
        if change % 4 in (1, 3):
            image = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        if change % 4 in (2, 3):
            image = image[:, ::-1]
        cv2.imwrite(str(target), image, [cv2.IMWRITE_JPEG_QUALITY, 60])
        if change % 4 in (1, 3):
            planted.add("outlying_images", target, root)  # of another size than all others
    planted.add(check, path, root)
    planted.add(check, target, root)


def damage(path: Path, number: int) -> None:
    """Cuts a file short, or overwrites the middle of it."""
    data = bytearray(path.read_bytes())
    if number % 2:
        path.write_bytes(data[: len(data) // 2])
    else:
        path.write_bytes(data[:40] + bytes(len(data) - 40))


def resize(path: Path, number: int) -> None:
    """Makes an image four times as large, or a narrow strip of it."""
    image = cv2.imread(str(path))
    assert image is not None
    size = (128, 128) if number % 2 else (32, 8)
    cv2.imwrite(str(path), cv2.resize(image, size), [cv2.IMWRITE_JPEG_QUALITY, 95])


def relabel(path: Path, classes: list[str], rng: np.random.Generator) -> Path:
    """Moves an image into the folder of another class, at random."""
    others = [name for name in classes if name != path.parent.name]
    target = path.parent.parent / str(rng.choice(others)) / f"moved-{path.parent.name}-{path.name}"
    return path.rename(target)


@dataclass(frozen=True)
class Checked:
    """What all checks say about a dataset, and what it cost."""

    table: AnnotationTable
    findings: Mapping[str, Finding]
    drift: float
    seconds: dict[str, float]


def check(root: Path) -> Checked:
    """Reads, measures and checks a dataset."""
    started = time.perf_counter()
    table = load_annotations(DatasetConfig(source="folder", path=str(root)))
    read = time.perf_counter()
    properties = compute_properties(table)
    measured = time.perf_counter()
    findings = find_problems(table, properties, ValidationConfig())
    found = time.perf_counter()
    outcomes, _ = run_suites(properties, selected_checks(ValidationConfig()))
    ended = time.perf_counter()
    drift = max(
        outcome.reading.value
        for outcome in outcomes
        if outcome.check.name == "feature_drift" and outcome.reading and outcome.split == "test"
    )
    seconds = {
        "read": read - started,
        "measure": measured - read,
        "our_checks": found - measured,
        "deepchecks": ended - found,
        "all": ended - started,
    }
    return Checked(table, {each.check: each for each in findings}, drift, seconds)


def score(
    planted: set[str], found: Iterable[str], known: Iterable[str]
) -> tuple[int, float, float]:
    """Returns how many were found, recall and precision, without what the clean sample had."""
    counted = set(found) - (set(known) - planted)
    hits = len(planted & counted)
    return len(counted), hits / len(planted), hits / max(1, len(counted))


def rows(planted: Planted, clean: Checked, spoilt: Checked) -> pd.DataFrame:
    """Returns the table: a row for each kind of fault."""
    listed = []
    for name, paths in planted.paths.items():
        found = spoilt.findings[name].images if name in spoilt.findings else ()
        known = clean.findings[name].images if name in clean.findings else ()
        n_found, recall, precision = score(paths, found, known)
        listed.append((name, len(paths), n_found, f"{recall:.3f}", f"{precision:.3f}"))
        if name == "likely_wrong_labels":
            top = len(paths & set(found[:TOP])) / TOP
            listed.append((f"{name}, first {TOP}", len(paths), TOP, "", f"{top:.3f}"))
    return pd.DataFrame(
        listed, columns=["check", "images planted", "images found", "recall", "precision"]
    )


def page(table: pd.DataFrame, clean: Checked, spoilt: Checked) -> str:
    """Returns the page for people."""
    head = " | ".join(table.columns)
    lines = [f"| {head} |", f"|{'---|' * len(table.columns)}"]
    lines += [f"| {' | '.join(map(str, row))} |" for row in table.itertuples(index=False)]
    return "\n".join(
        [
            *lines,
            "",
            f"`feature_drift` between train and test: {clean.drift:.3f} in the clean sample, "
            f"{spoilt.drift:.3f} with a test split darker by {DARKER} of 255.",
        ]
    )


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sample", nargs="?", type=Path)
    parser.add_argument("--write", type=Path, help="a page with <!-- table --> marks to renew")
    chosen = parser.parse_args()
    if chosen.sample is None:
        print("skipped: name a folder with train and test folders of classes")
        return
    prepare()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "images"
        shutil.copytree(chosen.sample, root)
        clean = check(root)
        planted = plant(root)
        spoilt = check(root)
    text = page(rows(planted, clean, spoilt), clean, spoilt)
    print(text)
    cost = {name: round(value, 1) for name, value in spoilt.seconds.items()}
    cost["peak_memory_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(cost))
    print(json.dumps({"clean": {name: each.severity for name, each in clean.findings.items()}}))
    if chosen.write:
        before, _, rest = chosen.write.read_text().partition("<!-- table -->\n")
        _, _, after = rest.partition("<!-- end -->")
        chosen.write.write_text(f"{before}<!-- table -->\n{text}\n<!-- end -->{after}")


if __name__ == "__main__":
    main()
