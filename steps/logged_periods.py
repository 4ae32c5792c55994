"""The only door of the steps to the prediction log: periods of model versions, read as a stream.

Memory does not grow with the number of predictions. Rows that a detector cannot look at are counted
and left out, see :mod:`vision.monitoring.row_kinds`. What was said in the shadow is not looked at,
since it answered nobody. What a simulation asked for is counted too, and its feedback says nothing
about the accuracy in use: it is left out wherever there are other predictions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from serving.log.counting import count_labelled, has_unmarked
from serving.log.errors import NoLogError
from serving.log.offline import image_folder, open_log
from serving.log.reading import LoggedBatch, LoggedModel, list_models, read_predictions
from serving.log.served import Served, find_served
from serving.models.store import bundle_folder, bundle_tag
from vision.bundles.manifest import read_manifest
from vision.drift.detector_file import read_detectors
from vision.drift.names import PROPERTIES, VECTORS
from vision.drift.views import DriftRows, read_reference
from vision.errors import BundleError
from vision.images.measure import NUMERIC
from vision.monitoring.period import PeriodBatch, PeriodReader
from vision.monitoring.reference import ReferenceSet, read_reference_set
from vision.monitoring.row_kinds import Mask, RowCounter, sort_rows
from vision.monitoring.simulated import SIMULATED, is_simulated
from vision.monitoring.traffic import Traffic, VersionTraffic

REFERENCE_FILE = "reference.parquet"
_COLUMNS = ("request_id", "time", "label", "is_abstained", "image", *NUMERIC)


@dataclass(frozen=True)
class Asked:
    """What is read.

    Attributes:
      name: the model's.
      version: one of its versions; None for all.
      since: predictions that are older are left out.
      until: and those of this time or newer.
      n_most: the most predictions of a version.
      n_newest: rows that are kept for tests, or as many as the detectors compare.
      seed: of what is sampled.
    """

    name: str
    version: str | None
    since: datetime
    until: datetime
    n_most: int
    n_newest: int
    seed: int


def read_traffic(asked: Asked, address: str | None = None) -> Traffic:
    """Reads what the versions of a model predicted.

    Args:
      asked: which predictions.
      address: of the log's database; by default that of the service of this machine.

    Raises:
      LogError: the log does not answer, or has another form than this release reads.
      ConfigError: a ``VISIONSTACK_`` variable cannot be used.
    """
    try:
        with open_log(address) as engine:
            with engine.connect() as connection:
                models = list_models(connection, asked.name, asked.version)
                served = tuple(find_served(connection, models, asked.since, asked.until))
            read = [_read(engine, each, asked) for each in served]
    except NoLogError as missing:
        return Traffic(asked.name, asked.since, asked.until, note=str(missing))
    found = tuple(one for one in read if one.period.n or one.n_left_out or one.broken.n)
    return Traffic(asked.name, asked.since, asked.until, found, "" if found else _nothing(asked))


def count_new_labels(
    name: str, version: str, after: datetime | None, address: str | None = None
) -> int:
    """Returns how many predictions of a version people have said the truth about.

    Args:
      name: the model's.
      version: its version.
      after: feedback of this time or older does not count; None counts all.
      address: of the log's database; by default that of the service of this machine.

    Raises:
      LogError: the log does not answer, or is not there.
      ConfigError: a ``VISIONSTACK_`` variable cannot be used.
    """
    with open_log(address) as engine, engine.connect() as connection:
        models = list_models(connection, name, version)
        is_used = any(has_unmarked(connection, model, SIMULATED) for model in models)
        mark = SIMULATED if is_used else None
        return sum(count_labelled(connection, model, after=after, mark=mark) for model in models)


def _nothing(asked: Asked) -> str:
    version = f" {asked.version}" if asked.version else ""
    return (
        f"the log has no prediction of {asked.name}{version} between "
        f"{asked.since:%Y-%m-%d %H:%M} and {asked.until:%Y-%m-%d %H:%M} UTC"
    )


def kept_images() -> Path:
    """Returns the folder that the paths of kept images are relative to; it may not exist.

    Raises:
      ConfigError: a ``VISIONSTACK_`` variable cannot be used.
    """
    return image_folder()


def find_bundle(name: str, version: str) -> Path:
    """Returns the folder of a version's bundle in the store.

    Raises:
      BundleError: it is not there any more.
    """
    return bundle_folder(bundle_tag(name, version))


def find_reference_set(name: str, version: str) -> ReferenceSet:
    """Returns the reference set of a version's bundle, with labels and every property.

    Raises:
      BundleError: it is not there any more, or not whole.
    """
    folder = find_bundle(name, version)
    return read_reference_set(folder / REFERENCE_FILE, read_manifest(folder).classes)


def _read(engine: Any, served: Served, asked: Asked) -> VersionTraffic:
    model = served.model
    reference, n_compared, problem = _find_reference(model)
    reader = PeriodReader(
        model.classes,
        n_newest=max(asked.n_newest, n_compared),
        seed=asked.seed,
        reference=reference,
    )
    with engine.connect() as connection:
        is_used = has_unmarked(connection, model, SIMULATED, since=asked.since, before=asked.until)
    counted, n_simulated = RowCounter(n_compared), 0
    for batch in read_predictions(
        engine,
        model,
        since=asked.since,
        before=asked.until,
        newest_first=True,
        n_most=asked.n_most,
        columns=_COLUMNS,
        is_answer=True,
    ):
        vectors = {view: getattr(batch, name) for view, name in VECTORS.items()}
        kinds = sort_rows(batch.probabilities, vectors, reference)
        whole = _as_period(batch, counted.add(kinds))
        simulated = set(filter(is_simulated, whole.request_ids))
        n_simulated += len(simulated)
        reader.add(_without_labels(whole, simulated) if is_used and simulated else whole)
    period = reader.finish()
    return VersionTraffic(
        model.version, period, counted.n_old, problem, n_simulated, served.until, counted.broken
    )


def _as_period(batch: LoggedBatch, is_whole: Mask) -> PeriodBatch:
    """Returns the rows that detectors can look at."""
    vectors = {view: getattr(batch, name)[is_whole] for view, name in VECTORS.items()}
    probabilities = batch.probabilities[is_whole]
    [rows] = np.nonzero(is_whole)
    column = {name: [batch.columns[name][row] for row in rows.tolist()] for name in batch.columns}
    # None, where an image was not measured, becomes NaN.
    properties = {name: np.array(column[name], np.float64) for name in NUMERIC}
    return PeriodBatch(
        times=np.array([time.replace(tzinfo=None) for time in column["time"]], "datetime64[us]"),
        request_ids=column["request_id"],
        labels=column["label"],
        probabilities=probabilities,
        is_abstained=np.array(column["is_abstained"], np.bool_),
        rows=DriftRows(
            **vectors,
            properties=np.stack([properties[name] for name in PROPERTIES], axis=1),
            classes=probabilities.argmax(axis=1),
        ),
        properties=properties,
        images=column["image"],
        true_labels=column["true_labels"],
    )


def _without_labels(batch: PeriodBatch, request_ids: set[str]) -> PeriodBatch:
    """Returns a batch without what people said about some of its predictions."""
    pairs = zip(batch.request_ids, batch.true_labels, strict=True)
    return replace(batch, true_labels=[None if one in request_ids else is_ for one, is_ in pairs])


def _find_reference(model: LoggedModel) -> tuple[DriftRows | None, int, str]:
    """Returns a version's reference set, how many rows its detectors compare, and no sentence.

    Where there is no reference set that fits what was logged, the sentence says why.
    """
    try:
        folder = find_bundle(model.name, model.version)
        manifest = read_manifest(folder)
        if manifest.classes != model.classes:
            raise BundleError(
                f"the log has predictions of {model.name} {model.version} with the classes "
                f"{', '.join(model.classes) or 'unknown'}, and its bundle has "
                f"{', '.join(manifest.classes)}; another bundle of that version made them"
            )
        sizes = read_detectors(folder).sizes
        return read_reference(folder / REFERENCE_FILE), sizes[-1], ""
    except BundleError as error:
        return None, 0, str(error)
