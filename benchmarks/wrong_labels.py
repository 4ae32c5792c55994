"""How well likely_wrong_labels finds labels that were changed, and what it costs.

    python benchmarks/wrong_labels.py [SAMPLE] [n_images]

SAMPLE is a folder ``[split/]<class>/*`` such as the CIFAR-10 sample. Labels are changed at random
to another class, in the table only. Prints JSON, one line for each data set and share: precision
of the first 100 and 200 images listed and of the whole list, recall of the list, the estimated
share, seconds, seconds of processor time and the growth of the most memory held. With
``n_images`` only cost is measured, on the sample's images listed again until there are so many.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from vision.config import DatasetConfig
from vision.datasets import AnnotationTable, load_annotations
from vision.validation.report import Finding
from vision.validation.wrong_labels import likely_wrong_labels

_SHARES = (0.0, 0.01, 0.05, 0.1, 0.2)


def change_labels(
    table: AnnotationTable, share: float, seed: int = 0
) -> tuple[AnnotationTable, set[str]]:
    """Returns the table with a share of wrong labels, and the paths of the images that have one."""
    rng = np.random.default_rng(seed)
    labels = table.class_index(table.frame["label"])
    changed = rng.permutation(len(table))[: int(share * len(table))]
    n_classes = len(table.classes)
    labels[changed] = (labels[changed] + rng.integers(1, n_classes, len(changed))) % n_classes
    names = np.array(table.classes, object)[labels]
    return replace(table, frame=table.frame.assign(label=names)), set(table.frame["path"][changed])


def swap_classes(table: AnnotationTable, split: str, one: str, other: str) -> AnnotationTable:
    """Returns the table with the names of two classes exchanged in one split."""
    swapped = table.frame["label"].replace({one: other, other: one})
    label = swapped.where(table.frame["split"] == split, table.frame["label"])
    return replace(table, frame=table.frame.assign(label=label))


def digits(root: Path) -> AnnotationTable:
    """Writes scikit-learn's 1,797 scans of 8 x 8 pixels and returns their table."""
    from sklearn.datasets import load_digits

    data = load_digits()
    for number, (image, label) in enumerate(zip(data.images, data.target, strict=True)):
        folder = root / str(label)
        folder.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / f"{number:04d}.png"), (image * 15.9).astype(np.uint8))
    return load_annotations(DatasetConfig(source="folder", path=str(root)))


def repeat_rows(table: AnnotationTable, n_images: int) -> AnnotationTable:
    """Returns a table of ``n_images`` that all count as different ones."""
    frame = pd.concat([table.frame] * -(-n_images // len(table)), ignore_index=True)[:n_images]
    sha256 = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(n_images)]
    return replace(table, frame=frame.assign(sha256=sha256))


def measure(name: str, table: AnnotationTable) -> tuple[dict[str, Any], Finding | None]:
    """Runs the check and returns its cost and what it found."""
    before_mb = peak_memory_mb()
    wall, processor = time.perf_counter(), time.process_time()
    found = likely_wrong_labels(table)
    cost = {
        "data": name,
        "n_images": len(table),
        "seconds": round(time.perf_counter() - wall, 1),
        "processor_seconds": round(time.process_time() - processor, 1),
        "memory_growth_mb": round(peak_memory_mb() - before_mb),
    }
    if not found:
        return cost, None
    said = {"severity": found[0].severity, "estimate": found[0].value, "n_listed": 0}
    return {**cost, **said, "n_listed": found[0].n_images}, found[0]


def peak_memory_mb() -> float:
    """Returns the most memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def figures(name: str, table: AnnotationTable) -> Iterator[dict[str, Any]]:
    """Yields the figures of one data set for each share of wrong labels."""
    for share in _SHARES:
        changed_table, changed = change_labels(table, share)
        cost, finding = measure(name, changed_table)
        is_hit = np.array([path in changed for path in finding.images] if finding else [], bool)
        hits = {
            "planted": share,
            "precision_100": round(float(is_hit[:100].mean()), 3) if len(is_hit) else None,
            "precision_200": round(float(is_hit[:200].mean()), 3) if len(is_hit) else None,
            "precision": round(float(is_hit.mean()), 3) if len(is_hit) else None,
            "recall": round(int(is_hit.sum()) / len(changed), 3) if changed else None,
        }
        yield {**cost, **hits}


def main(sample: str = "", n_images: int = 0) -> None:
    """Prints the figures."""
    if not sample:
        print("skipped: name a folder of classes")
        return
    table = load_annotations(DatasetConfig(source="folder", path=sample))
    if n_images:
        cost, _ = measure("sample, repeated", repeat_rows(table, n_images))
        print(json.dumps(cost))
        return
    for line in figures("sample", table):
        print(json.dumps(line), flush=True)
    one, other = ("cat", "dog") if {"cat", "dog"} <= set(table.classes) else table.classes[:2]
    cost, finding = measure("sample, two classes swapped", swap_classes(table, "test", one, other))
    print(json.dumps({**cost, "message": finding.message if finding else ""}), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for line in figures("digits", digits(Path(folder))):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:]))
