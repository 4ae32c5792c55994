"""A review batch as a folder: images, and a table that is ready to be labelled and imported.

``review.csv`` has a row for each image with an empty column ``label``. Filled in, as far as people
got, ``run.py data import`` reads it: paths are relative to the folder, and rows without a label are
left out. Where no image was kept the table names request ids alone, and true labels go to the
service as feedback.

Feedback is text of strangers, and a spreadsheet computes what begins like a formula: such a cell
gets an apostrophe in front. Neither ``file`` nor ``label``, which the import reads, ever has one.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from vision.errors import VisionError
from vision.monitoring.candidates import Candidate

TABLE = "review.csv"
NOTE = "README.txt"
# What makes a spreadsheet take a cell for a formula: OWASP, "CSV Injection".
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HEADER = (
    "file",
    "label",
    "predicted",
    "probability",
    "why",
    "feedback",
    "time",
    "request_id",
    "version",
)
_WITH_IMAGES = """Images that {name} {version} may be wrong about, and a random part.

1. Look at each image of review.csv and write its true class into the column label.
   Leave label empty where you cannot tell; such rows are passed over.
2. Import the folder: run.py data import {table}

Rows whose column why has the word random are a fair sample of the different images, of
which identical ones count once: the share of them where label and predicted agree is the
accuracy. The others were chosen because they are hard.
"""
_WITHOUT_IMAGES = """No image of these predictions of {name} {version} was kept or is still there.

To have images next time, start the service with VISIONSTACK_LOG_IMAGES=0.1, which keeps
one in ten (for VISIONSTACK_LOG_IMAGES_DAYS days). Whoever knows what an image was can send
it as feedback on its request_id.
"""


def write_review(
    folder: Path,
    chosen: Sequence[Candidate],
    *,
    name: str,
    version: str,
    images: Path | None,
) -> Path:
    """Writes a review batch; it is there completely or not at all.

    Args:
      folder: of the batch; it must not exist, its parent is made.
      chosen: of :func:`vision.monitoring.review.choose_review`.
      name: the model's.
      version: its version.
      images: the folder that the paths of kept images are relative to; None for none.

    Returns:
      the table.

    Raises:
      VisionError: the folder exists, or cannot be written.
    """
    if folder.exists() or folder.is_symlink():
        raise VisionError(
            f"the review batch {folder} exists, and may have been labelled; "
            "give another folder, or move it away"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            _fill(made, chosen, name, version, images, folder / TABLE)
            made.chmod(0o755)
            made.rename(folder)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
    except OSError as error:
        raise VisionError(
            f"the review batch {folder} cannot be written ({error.strerror}); make room there, or "
            "set monitoring.review.folder to a folder that you can write to"
        ) from error
    return folder / TABLE


def _fill(
    made: Path,
    chosen: Sequence[Candidate],
    name: str,
    version: str,
    images: Path | None,
    table: Path,
) -> None:
    files = _copy_images(made / "images", chosen, images)
    shown = [each for each in chosen if each.request_id in files] or list(chosen)
    columns = _HEADER if files else _HEADER[1:]
    with (made / TABLE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        for each in shown:
            writer.writerow(_row(each, files.get(each.request_id, ""), version))
    text = _WITH_IMAGES if files else _WITHOUT_IMAGES
    (made / NOTE).write_text(text.format(name=name, version=version, table=table), encoding="utf-8")


def _row(each: Candidate, file: str, version: str) -> dict[str, str]:
    row = {
        "predicted": each.label,
        "probability": f"{each.probability:.4f}",
        "why": " ".join(each.reasons),
        "feedback": "|".join(each.true_labels),
        "time": each.time.isoformat(),
        "request_id": each.request_id,
        "version": version,
    }
    return {"file": file, "label": ""} | {name: _as_text(cell) for name, cell in row.items()}


def _as_text(cell: str) -> str:
    """Returns a cell that no spreadsheet computes."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def plain_text(cell: str) -> str:
    """Returns what :func:`write_review` made a cell of, other than ``file`` and ``label``."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _copy_images(folder: Path, chosen: Sequence[Candidate], images: Path | None) -> dict[str, str]:
    """Copies what is still there; returns the path in the batch of each request's image."""
    if images is None:
        return {}
    root = images.resolve()
    files: dict[str, str] = {}
    for number, each in enumerate(chosen, start=1):
        source = None if each.image is None else _inside(root, each.image)
        if source is None:
            continue
        folder.mkdir(exist_ok=True)
        file = f"{number:05d}{source.suffix.lower()}"
        try:
            shutil.copyfile(source, folder / file)
        except FileNotFoundError:
            continue  # the service removes old images at any time
        files[each.request_id] = f"{folder.name}/{file}"
    return files


def _inside(root: Path, path: str) -> Path | None:
    """Returns a regular file really below ``root``, or None."""
    try:
        real = (root / path).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None
    return real if real.is_relative_to(root) and real.is_file() else None
