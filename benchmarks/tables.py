"""How long the annotation table of a large dataset takes, and whether its memory stays flat.

    python benchmarks/tables.py [n_images]

Writes small JPEGs (default 60,000 of 16 px, ten classes) to a temporary folder and times, each
once: the import of the class folders when no file was read before and again, a CSV and a COCO file
of them, splits with groups, a comparison of two tables, and writing and reading a table. Prints
seconds, and how far the memory grew over what Python with pandas holds, as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from vision.datasets.diff import compare_tables
from vision.datasets.importing import import_dataset, write_table
from vision.datasets.passes import n_cores
from vision.datasets.split import assign_splits
from vision.datasets.table import AnnotationTable

Result = TypeVar("Result")

N_CLASSES = 10
SIDE_PX = 16
PER_GROUP = 20
SHARES = {"validation": 0.15, "test": 0.15}


def write_images(root: Path, n_images: int) -> None:
    """Writes ``<class>/g<group>-<number>.jpg``, about 700 bytes each, all different."""
    rng = np.random.default_rng(0)
    for number in range(N_CLASSES):
        (root / f"class{number}").mkdir(parents=True)
    for number in range(n_images):
        image = rng.integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
        _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])
        name = f"class{number % N_CLASSES}/g{number // PER_GROUP}-{number:06d}.jpg"
        (root / name).write_bytes(encoded.tobytes())


def write_csv(table: AnnotationTable, file: Path) -> None:
    """Writes the table as another system would: absolute paths of its own, one-hot labels."""
    lines = [",".join(["", "abs_path", *table.classes, "split"])]
    for number, (path, label, split) in enumerate(
        table.frame[["path", "label", "split"]].itertuples(index=False)
    ):
        flags = ",".join("1" if name == label else "0" for name in table.classes)
        lines.append(
            f"{number},/home/them/data/{path},{flags},{split.replace('validation', 'valid')}"
        )
    file.write_text("\n".join([*lines, ""]))


def write_coco(table: AnnotationTable, file: Path) -> None:
    """Writes the table as a COCO file."""
    labels = table.class_index(table.frame["label"]).tolist()
    content = {
        "images": [{"id": n, "file_name": path} for n, path in enumerate(table.frame["path"])],
        "annotations": [
            {"id": n, "image_id": n, "category_id": label} for n, label in enumerate(labels)
        ],
        "categories": [{"id": n, "name": name} for n, name in enumerate(table.classes)],
    }
    file.write_text(json.dumps(content))


def changed(table: AnnotationTable) -> AnnotationTable:
    """Returns the table with a class renamed, each 10th image relabelled, each 20th removed."""
    frame = table.frame.copy()
    frame["label"] = frame["label"].replace("class0", "first")
    frame.loc[::10, "label"] = "class1"
    frame["path"] = frame["label"] + "/" + frame["path"].str.split("/").str[1]
    rows = frame[frame.index % 20 != 1].to_dict("records")
    return AnnotationTable.from_rows(table.root, rows)  # type: ignore[arg-type]


def peak_memory_mb() -> float:
    """Returns the most memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Clock:
    """Collects seconds by what was done, and how far the memory had grown by then."""

    def __init__(self) -> None:
        self._before_mb = peak_memory_mb()
        self.figures: dict[str, float] = {}

    def time(self, what: str, work: Callable[[], Result]) -> Result:
        """Runs ``work`` once."""
        started = time.perf_counter()
        result = work()
        self.figures[f"{what}_s"] = round(time.perf_counter() - started, 2)
        self.figures[f"{what}_memory_growth_mb"] = round(peak_memory_mb() - self._before_mb, 1)
        return result


@contextmanager
def throw_away_home() -> Iterator[Path]:
    """Gives a folder, with a project home of its own in it, so that no file is known yet."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VISIONSTACK_HOME"] = str(Path(folder) / "home")
        yield Path(folder)


def main(n_images: int = 60_000) -> None:
    """Runs the benchmark and prints its figures."""
    import pyarrow.parquet  # noqa: F401  (its own 50 MB are no growth)

    with throw_away_home() as folder:
        root = folder / "images"
        write_images(root, n_images)
        clock = Clock()
        clock.time("import_folder_first", lambda: import_dataset(root))
        table = clock.time("import_folder_again", lambda: import_dataset(root))
        write_csv(table, root / "theirs.csv")
        from_csv = clock.time("import_csv", lambda: import_dataset(root / "theirs.csv"))
        assert from_csv.digest == table.digest
        write_coco(table, root / "coco.json")
        clock.time("import_coco", lambda: import_dataset(root / "coco.json"))
        grouped = clock.time("import_grouped", lambda: import_dataset(root, group_by=r"(g\d+)-"))
        columns = (grouped.frame[name].tolist() for name in ("sha256", "label", "group"))
        contents, labels, groups = columns
        clock.time("split", lambda: assign_splits(contents, labels, SHARES, 0))
        clock.time("split_groups", lambda: assign_splits(contents, labels, SHARES, 0, groups))
        after = changed(table)
        diff = clock.time("diff", lambda: compare_tables(table, after))
        clock.time("write_parquet", lambda: write_table(table, root / "t.parquet"))
        again = clock.time("read_parquet", lambda: import_dataset(root / "t.parquet"))
        assert again.digest == table.digest
    counts = {kind: count for kind, count in diff.counts.items() if count}
    print(json.dumps({"n_images": len(table), "cores": n_cores(), **clock.figures, "diff": counts}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
