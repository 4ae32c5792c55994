"""What a power table promises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.vision.drift.power_samples import all_changes, make_table, without
from vision.drift.power_table import POWER_FILE, read_power, write_power
from vision.errors import BundleError

pytestmark = pytest.mark.unit


def test_a_promise_is_the_smallest_size_that_is_nearly_sure():
    table = make_table()
    assert table.promise("blur", 2) == 100
    assert table.promise("noise", 1) == 200
    assert table.promise("dark", 3) == 50
    assert table.promise("jpeg", 1) is None
    assert table.promise("clean", 0) is None


def test_views_that_keep_the_promise_alone_are_named():
    table = make_table()
    assert table.seen_by("blur", 1) == ("properties",)
    assert table.seen_by("dark", 1) == ("uae",)
    assert table.seen_by("noise", 1) == (), "only both together do"
    assert table.seen_by("jpeg", 1) == ()


def test_all_changes_are_there():
    assert list(make_table().changes) == all_changes()
    assert make_table().entry("blur", 1, 100).share == 0.99
    assert make_table().harm("jpeg", 3).accuracy == 0.8


def test_what_was_not_tried_is_an_error():
    table = make_table()
    with pytest.raises(KeyError, match="no entry for fog, severity 1"):
        table.promise("fog", 1)
    with pytest.raises(KeyError, match="no entry for blur, severity 1, 500 images"):
        table.entry("blur", 1, 500)


def test_a_change_may_have_been_tried_with_fewer_images(tmp_path: Path):
    table = without(make_table(), "class_shift", 3, 50, 200)
    assert table.sizes_of("class_shift", 3) == (100,)
    assert table.sizes_of("class_shift", 2) == (50, 100, 200)
    assert (table.promise("class_shift", 3), table.promise("class_shift", 2)) == (100, 50)
    table = without(table, "class_shift", 3, 100)
    assert table.sizes_of("class_shift", 3) == ()
    assert table.promise("class_shift", 3) is None
    assert table.seen_by("class_shift", 3) == ()
    write_power(tmp_path, table)
    assert read_power(tmp_path) == table


def test_a_bundle_keeps_it(tmp_path: Path):
    table = make_table()
    assert write_power(tmp_path, table) == tmp_path / POWER_FILE
    assert read_power(tmp_path) == table
    text = (tmp_path / POWER_FILE).read_text()
    write_power(tmp_path, read_power(tmp_path))
    assert (tmp_path / POWER_FILE).read_text() == text


def test_a_bundle_without_one_says_why(tmp_path: Path):
    with pytest.raises(BundleError, match=r"has no drift/power\.json: .*n_power_images: 0"):
        read_power(tmp_path)


def test_a_damaged_one_is_refused(tmp_path: Path):
    path = write_power(tmp_path, make_table())
    stored = json.loads(path.read_text())
    stored["entries"][0]["share"] = 1.5
    path.write_text(json.dumps(stored))
    with pytest.raises(BundleError, match=r"is no power table: .*entries\.0\.share"):
        read_power(tmp_path)
    path.write_text(json.dumps({**json.loads(make_table().model_dump_json()), "more": 1}))
    with pytest.raises(BundleError, match="more"):
        read_power(tmp_path)
