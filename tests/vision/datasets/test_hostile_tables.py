"""Whatever a table file holds, it is read or refused with a sentence; nothing else happens."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus import coco
from vision.datasets.problems import Problems
from vision.datasets.read_table import scan_table
from vision.errors import DatasetError

pytestmark = pytest.mark.security

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS | st.sampled_from(["a.png", "cat", 0, 1, 10]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = ("id", "file_name", "image_id", "category_id", "name", "date_captured")


def read_or_refuse(suffix: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        (root / "a.png").touch()
        file = root / f"t{suffix}"
        file.write_bytes(content)
        try:
            listing = scan_table(file, problems := Problems())
        except DatasetError:
            return
        assert {image.path for image in listing.images} <= {"a.png", file.name}
        json.dumps([finding.model_dump() for finding in problems.findings()]).encode()


@given(st.sampled_from([".csv", ".json", ".parquet"]), st.binary(max_size=60))
@settings(max_examples=60)
def test_any_bytes(suffix: str, content: bytes) -> None:
    read_or_refuse(suffix, content)


@given(
    st.lists(
        st.lists(
            SCALARS | st.sampled_from(["a.png", "../x", "/a.png", "0", "1"]), min_size=3, max_size=3
        ),
        max_size=4,
    ),
    st.lists(
        st.sampled_from(["path", "label", "labels", "split", "group", "date", "cat", "dog", ""]),
        min_size=3,
        max_size=3,
    ),
)
@settings(max_examples=60)
def test_any_csv(rows: list[list[Any]], header: list[str]) -> None:
    import csv
    import io

    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    read_or_refuse(".csv", written.getvalue().encode("utf-8", "replace"))


@given(
    st.sampled_from(["images", "annotations", "categories"]),
    st.integers(0, 1),
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4) | VALUES,
)
@settings(max_examples=100)
def test_any_coco_entry(part: str, number: int, entry: Any) -> None:
    content = coco({"a.png": ["cat"], "b.png": ["dog"]})
    if isinstance(entry, dict):
        entry = {**content[part][number], **entry}
    content[part][number] = entry
    read_or_refuse(".json", json.dumps(content).encode())
