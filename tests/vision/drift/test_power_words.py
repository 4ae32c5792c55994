"""A power table in sentences."""

from __future__ import annotations

import pytest

from tests.vision.drift.power_samples import make_table, without
from tests.vision.drift.samples import detector_file
from vision.drift.power_words import (
    calibrated,
    describe_power,
    false_alarms,
    method,
    short_table,
)

pytestmark = pytest.mark.unit


def test_every_change_is_in_one_list():
    said = describe_power(make_table())
    assert said.without_effect == ("channel_swap",)
    assert [len(said.seen), len(said.missed), len(said.unseen)] == [27, 3, 0]


def test_sentences_are_plain():
    said = describe_power(make_table())
    assert said.seen[1] == (
        "blur 2 (over 2% of the side) is seen after 100 images, by properties; 90.0% of the "
        "answers are right instead of 90.0%."
    )
    assert (
        "noise 1 (4% of the range) is seen after 200 images, by several views together"
        in (said.seen[3])
    )
    assert said.missed[0] == (
        "jpeg 1 (quality 50): found in 25% of the windows of 200 images; 80.0% of the answers are "
        "right instead of 90.0%."
    )
    assert said.seen[-1] == "class_shift 3 (70% of the images) is seen after 50 images, by uae."


def test_what_harms_nothing_is_only_not_seen():
    table = make_table()
    harms = tuple(harm.model_copy(update={"accuracy": 0.895}) for harm in table.harms[1:])
    said = describe_power(make_table(harms=(table.harms[0], *harms)))
    assert [len(said.missed), len(said.unseen)] == [0, 3]


def test_the_method_says_what_seen_means():
    text = method(make_table())
    assert "450 images of the test split were changed on purpose" in text
    assert "100 windows for each change" in text
    assert "in 99% of the windows of 100 changed images, or more" in text
    assert "checks every 50 images" in text
    assert "Windows of 500 images were not tried" in text
    assert "not tried" not in method(make_table(not_tried=()))
    assert "half of the reference set" in method(make_table(split="validation"))


def test_sizes_that_one_change_was_not_tried_with_are_named():
    table = without(make_table(), "class_shift", 2, 200)
    table = without(table, "class_shift", 3, 50, 100, 200)
    text = method(table)
    assert text.count("class_shift") == 2
    assert (
        "class_shift 2 (40% of the images) was not tried with windows of 200 images: no class has "
        "so many that none would come twice."
    ) in text
    assert "class_shift 3 (70% of the images) was not tried with windows of 50, 100, 200" in text
    assert describe_power(table).unseen == (
        "class_shift 3 (70% of the images): not tried, for want of images of one class.",
    )
    rows = {row[0]: row[1:] for row in short_table(table)}
    assert rows["class_shift"] == ("50", "50", "not tried")
    assert "class_shift" not in method(make_table())


def test_what_was_tried_with_fewer_images_is_told_with_those():
    table = without(make_table(), "jpeg", 1, 200)
    said = describe_power(table).missed[0]
    assert said.startswith("jpeg 1 (quality 50): found in 10% of the windows of 100 images; 80.0%")


def test_false_alarms_are_counted():
    assert false_alarms(make_table()) == (
        "Of 400 windows of 200 images that nothing was done to, 2 raised a false alarm; the wanted "
        "rate is one check in 360."
    )


def test_what_the_thresholds_were_found_with_is_said():
    file = detector_file(1_500).model_copy(update={"measured_rate": 0.0475})
    assert calibrated(file) == (
        "The thresholds were found with 400 checks without drift, drawn from 1,500 reference "
        "images; 4.75% of these very checks raise an alarm, and 5.00% were wanted."
    )


def test_the_short_table_has_a_row_for_each_kind():
    rows = {row[0]: row[1:] for row in short_table(make_table())}
    assert len(rows) == 11
    assert rows["blur"] == ("100", "100", "100")
    assert rows["jpeg"] == ("not seen",) * 3
    assert rows["channel_swap"] == ("changes nothing",) * 3
