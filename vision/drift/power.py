"""Measures what a model's drift check will see: held-out images, corrupted, tested as in service.

Each image is decoded in its own size, corrupted, measured, resized and put through the serving
graph, as a request would be. Windows are drawn from the rows without repeating an image, so each
is what that many new images would be, and take half of them at most: five hundred windows of nearly
all images would be one window five hundred times. Where one class comes more often, a size is tried
if some class has enough images for that: repeated images look like drift of their own.

The images are those of the test split. Where there is none, they are half of the reference set's
images, and the other half is the reference: a change tested against the very images it was made
of would look surer than it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vision.bundles.load import ServingModel
from vision.config.drift import DriftConfig
from vision.drift.corruptions import (
    SCENARIOS,
    SEVERITIES,
    classes_to_shift,
    corrupt,
    shift_classes,
)
from vision.drift.detectors import DriftDetectors
from vision.drift.held_out import HeldOut
from vision.drift.names import PROPERTIES, VECTORS, VIEWS
from vision.drift.power_table import CLEAN, Harm, PowerEntry, PowerTable
from vision.drift.views import DriftRows
from vision.drift.window_checks import WindowChecks
from vision.errors import ModelError
from vision.images.measure import measure_image
from vision.images.preprocess import resize_image
from vision.images.types import Pixels
from vision.progress import track

Positions = npt.NDArray[np.intp]

# A promise is kept in 99 % of them, give or take half a percent.
N_WINDOWS = 500
_BATCH_SIZE = 128


@dataclass(frozen=True, eq=False)
class _Changed:
    """Rows of one change, in the order of the images they came from."""

    kind: str
    severity: int
    rows: DriftRows
    changed: float


def measure_power(
    serving: ServingModel, held_out: HeldOut, detectors: DriftDetectors, drift: DriftConfig
) -> PowerTable:
    """Measures what the detectors find of each kind, severity and number of changed images.

    The graph sees each image once and once more for each change of its pixels, 31 times at most.

    Args:
      serving: the graph that the service will run.
      held_out: at least twice as many images as the smallest window has.
      detectors: as the service will have them.
      drift: gives the seed.

    Raises:
      ModelError: too few images for the smallest window.
    """
    sizes = _checked_sizes(len(held_out.images), detectors.sizes)
    others = np.setdiff1d(np.arange(len(detectors.reference)), held_out.places)
    reference = detectors.reference.take(others)
    entries: list[PowerEntry] = []
    harms: list[Harm] = []
    n_changes = 1 + len(SCENARIOS) * len(SEVERITIES)
    changes = _changes(serving, held_out, drift.seed)
    for change in track(changes, n_changes, doing="measuring what drift is seen", unit="changes"):
        harms.append(_harm(change, held_out.labels, serving))
        tried = _sizes_of(change, held_out.labels, sizes)
        if not tried:
            continue
        windows = np.stack(list(_windows(change, held_out.labels, max(tried), drift.seed)))
        checks = WindowChecks(detectors.file, reference, change.rows)
        found = checks.check(windows, is_lasting=True)
        entries += _entries(change, tried, found)
    return PowerTable(
        split=held_out.split,
        n_images=len(held_out.images),
        sizes=sizes,
        not_tried=tuple(size for size in detectors.sizes if size not in sizes),
        views=tuple(detectors.views),
        every_n=detectors.every_n,
        alarm_rate=detectors.alarm_rate,
        seed=drift.seed,
        entries=tuple(entries),
        harms=tuple(harms),
    )


def sizes_to_try(n_images: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """Returns the window sizes that so many images are enough for."""
    return tuple(size for size in sizes if 2 * size <= n_images)


def _checked_sizes(n_images: int, sizes: Sequence[int]) -> tuple[int, ...]:
    tried = sizes_to_try(n_images, sizes)
    if not tried:
        raise ModelError(
            f"{n_images} held-out images are too few to measure what drift is seen in windows of "
            f"{sizes[0]}; hold out twice as many as that (dataset.split), or measure nothing with "
            "drift.n_power_images: 0"
        )
    return tried


def see_images(serving: ServingModel, images: Sequence[Pixels]) -> DriftRows:
    """Returns what the detectors see of images, as the service would.

    Args:
      serving: the graph.
      images: ``(h, w, 3)`` RGB uint8, at least one, in any sizes.
    """
    outputs = []
    for start in range(0, len(images), _BATCH_SIZE):
        resized = [
            resize_image(image, serving.manifest.input_size)
            for image in images[start : start + _BATCH_SIZE]
        ]
        outputs.append(serving.predict(np.stack(resized)))
    vectors = {
        view: np.concatenate([getattr(output, name) for output in outputs])
        for view, name in VECTORS.items()
    }
    probabilities = np.concatenate([output.probabilities for output in outputs])
    # Bytes of the file are not among the properties that are watched.
    measured = [measure_image(image, n_bytes=0) for image in images]
    return DriftRows(
        **vectors,
        properties=np.array([[each[name] for name in PROPERTIES] for each in measured]),
        classes=probabilities.argmax(axis=1),
    )


def _changes(serving: ServingModel, held_out: HeldOut, seed: int) -> Iterator[_Changed]:
    clean = see_images(serving, held_out.images)
    yield _Changed(CLEAN, 0, clean, 0.0)
    for kind in SCENARIOS:
        for severity in SEVERITIES:
            if kind == "class_shift":
                yield _Changed(kind, severity, clean, 0.0)
                continue
            corrupted = corrupt(held_out.images, kind, severity, _rng(seed, kind, severity))
            pairs = zip(held_out.images, corrupted, strict=True)
            is_changed = np.array([not np.array_equal(one, other) for one, other in pairs])
            rows = _with(clean, is_changed, corrupted, serving)
            yield _Changed(kind, severity, rows, float(is_changed.mean()))


def _with(
    clean: DriftRows,
    is_changed: npt.NDArray[np.bool_],
    corrupted: Sequence[Pixels],
    serving: ServingModel,
) -> DriftRows:
    """Returns the clean rows with those of the changed images in their places."""
    if not is_changed.any():
        return clean
    places = np.flatnonzero(is_changed)
    seen = see_images(serving, [corrupted[place] for place in places])
    mixed = {}
    for view in VIEWS:
        values = clean.view(view).copy()
        values[places] = seen.view(view)
        mixed[view] = values
    return replace(clean, **mixed)


def _sizes_of(change: _Changed, labels: Sequence[str], sizes: Sequence[int]) -> tuple[int, ...]:
    """Returns the sizes of which windows of a change can be drawn without repeating an image."""
    if change.kind != "class_shift":
        return tuple(sizes)
    return tuple(size for size in sizes if len(classes_to_shift(labels, change.severity, size)))


def _windows(change: _Changed, labels: Sequence[str], size: int, seed: int) -> Iterator[Positions]:
    # Not the draws that chose the images to corrupt.
    rng = _rng(seed + 1, change.kind, change.severity)
    for _ in range(N_WINDOWS):
        if change.kind == "class_shift":
            yield shift_classes(labels, change.severity, size, rng)
        else:
            yield rng.permutation(len(labels))[:size]


def _entries(
    change: _Changed, sizes: Sequence[int], found: dict[str, npt.NDArray[np.bool_]]
) -> list[PowerEntry]:
    """Counts what checks of so many images would have found; each tests all sizes up to that."""
    whole = np.any(list(found.values()), axis=0)
    return [
        PowerEntry(
            kind=change.kind,
            severity=change.severity,
            size=size,
            n_windows=len(whole),
            share=float(whole[:, index].mean()),
            by_view={view: float(each[:, index].mean()) for view, each in found.items()},
        )
        for index, size in enumerate(sizes)
    ]


def _harm(change: _Changed, labels: Sequence[str], serving: ServingModel) -> Harm:
    manifest = serving.manifest
    accuracy = None
    # Of what nobody has seen, and of several classes at once, no answer is simply right.
    if manifest.task == "multiclass" and change.kind not in ("new_class", "class_shift"):
        indices = {name: index for index, name in enumerate(manifest.classes)}
        expected = np.array([indices[label] for label in labels])
        accuracy = float((change.rows.classes == expected).mean())
    return Harm(
        kind=change.kind, severity=change.severity, changed=change.changed, accuracy=accuracy
    )


def _rng(seed: int, kind: str, severity: int) -> np.random.Generator:
    return np.random.default_rng([seed, (CLEAN, *SCENARIOS).index(kind), severity])
