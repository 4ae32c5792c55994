"""From entries to rows: each is stored once, however often it is given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from serving.log.engine import is_sqlite
from serving.log.entry import Entry, from_microseconds
from serving.log.tables import (
    HASHES,
    api_log,
    deployments,
    drift_checks,
    feedback,
    models,
    predictions,
)
from vision.images.measure import NUMERIC

Row = dict[str, Any]

_TABLES = {
    "call": (api_log, "request_id"),
    "feedback": (feedback, "feedback_id"),
    "drift": (drift_checks, "check_id"),
    "deployment": (deployments, "deployment_id"),
}


def insert_entries(connection: Connection, entries: Sequence[Entry]) -> None:
    """Stores entries; those that are stored already stay as they are.

    Raises:
      SQLAlchemyError: the database refuses a row, or is not there.
      KeyError, TypeError, ValueError: an entry lacks what its row needs.
    """
    by_kind: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_kind[entry.kind].append(entry)
    late = {entry.fields["request_id"]: entry for entry in by_kind.pop("measures", ())}
    _insert_predictions(connection, by_kind.pop("prediction", []), late)
    for kind, same in by_kind.items():
        table, unique = _TABLES[kind]
        names = set(table.columns.keys()) - {"id"}
        rows = [{name: _timed(entry)[name] for name in names} for entry in same]
        _insert(connection, table, unique, rows)
    if late:
        _update_measures(connection, late.values())


def _insert_predictions(
    connection: Connection, entries: Sequence[Entry], late: dict[str, Entry]
) -> None:
    if not entries:
        return
    ids = _model_ids(connection, entries)
    rows = []
    for entry in entries:
        measures = late.pop(entry.fields["request_id"], None)
        whole = entry if measures is None else entry.measured(measures.fields)
        fields = _timed(whole)
        names = ("request_id", "time", "label", "probability", "is_abstained", "latency_s")
        rows.append(
            {name: fields[name] for name in names}
            | _measured_columns(fields)
            | {
                "model_id": ids[fields["model"]],
                "probabilities": whole.arrays["probabilities"],
                "embedding_uae": whole.arrays["embedding_uae"],
                "embedding_bbsd": whole.arrays.get("embedding_bbsd"),
                "embedding_penultimate": whole.arrays.get("embedding_penultimate"),
            }
        )
    _insert(connection, predictions, "request_id", rows)


def _update_measures(connection: Connection, entries: Iterable[Entry]) -> None:
    """Completes predictions that are stored already."""
    columns = _measured_columns({})
    change = (
        sa.update(predictions)
        .where(predictions.c.request_id == sa.bindparam("of_request"))
        .values({name: sa.bindparam(f"new_{name}") for name in columns})
    )
    rows = [
        {f"new_{name}": value for name, value in _measured_columns(entry.fields).items()}
        | {"of_request": entry.fields["request_id"]}
        for entry in entries
    ]
    connection.execute(change, rows)


def _measured_columns(fields: Row) -> Row:
    hashes = {name: fields.get(name) for name in HASHES}
    return {
        **{name: fields.get(name) for name in ("image", *NUMERIC, "is_near_constant")},
        **{name: value and bytes.fromhex(value) for name, value in hashes.items()},
    }


def _timed(entry: Entry) -> Row:
    return {**entry.fields, "time": from_microseconds(entry.fields["time"])}


def _model_ids(connection: Connection, entries: Sequence[Entry]) -> dict[str, int]:
    """Returns the ids of the models that predictions refer to, by digest; new ones are stored."""
    wanted = {entry.fields["model"]: _model_row(entry) for entry in entries}
    found = _stored_models(connection, wanted)
    missing = [row for digest, row in wanted.items() if digest not in found]
    if missing:
        _insert(connection, models, "digest", missing)
        found = _stored_models(connection, wanted)
    for digest, (model_id, classes) in found.items():
        # A damaged spool may have lost the names; a later one brings them.
        if not classes and wanted[digest]["classes"]:
            change = sa.update(models).where(models.c.id == model_id)
            connection.execute(change, {"classes": wanted[digest]["classes"]})
    return {digest: model_id for digest, (model_id, _) in found.items()}


def _stored_models(
    connection: Connection, digests: Iterable[str]
) -> dict[str, tuple[int, list[str]]]:
    query = sa.select(models.c.digest, models.c.id, models.c.classes)
    found = connection.execute(query.where(models.c.digest.in_(list(digests))))
    return {row.digest: (row.id, row.classes) for row in found}


def _model_row(entry: Entry) -> Row:
    if entry.model is not None:
        return entry.model.fields
    return {
        "digest": entry.fields["model"],
        "name": entry.fields["model_name"],
        "version": entry.fields["model_version"],
        "classes": [],
        "embedding_size": len(entry.arrays["embedding_uae"]) // 4,
    }


def _insert(connection: Connection, table: sa.Table, unique: str, rows: list[Row]) -> None:
    make = sqlite.insert if is_sqlite(connection) else postgresql.insert
    connection.execute(make(table).on_conflict_do_nothing(index_elements=[unique]), rows)
