"""When something runs: what is taken is taken by croniter, and the rest is named by its field."""

from __future__ import annotations

import random

import pytest
from croniter import croniter

from tests.run.loading import loaded_by
from vision.config.cron import check_cron

pytestmark = pytest.mark.unit

RIGHT = [
    "0 3 * * 1", "*/15 * * * *", "0 3 * * mon-fri", "0 3 1,15 * *", "30 8-18/2 * * MON",
    "0 0 29 2 *", "0 3 * jan-mar 0", "0 3 * * 7", "0 3 * * sat-sun", "5/20 * * * *",
    "0 0 31 2 mon", "0  3 *\t* *",
]  # fmt: skip
PIECES = [
    "*", "0", "5", "7", "12", "13", "23", "24", "31", "32", "59", "60", "1-5", "5-1", "*/10", "*/0",
    "8-18/2", "1,15", "1,,2", "jan", "Dec", "mon", "sun", "sat-sun", "mon-fri", "x", "1-", "-1",
    "5/15", "*/61", "30", "29", "L", "?", "#", "1#2", "+1", "²", "1.5", "",
]  # fmt: skip


@pytest.mark.parametrize("text", RIGHT)
def test_right_times_are_taken(text: str) -> None:
    assert check_cron(text) == text
    assert croniter.is_valid(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r'^must have five fields as in cron, for example "0 3 \* \* 1" .*; it has 0$'),
        ("@daily", "it has 1$"),
        ("0 0 3 * * 1", "it has 6$"),
        ("60 3 * * 1", "^has '60' as minute; must be from 0 to 59$"),
        ("0 24 * * 1", "^has '24' as hour; must be from 0 to 23$"),
        ("0 3 0 * *", "^has '0' as day of the month; must be from 1 to 31$"),
        ("0 3 * 13 *", "^has '13' as month; must be from 1 to 12$"),
        ("0 3 * * 8", "^has '8' as day of the week; must be from 0 to 7$"),
        ("0 3 * * mom", "^has 'mom' as day of the week; must be from 0 to 7$"),
        ("0 mon * * *", "^has 'mon' as hour; must be from 0 to 23$"),
        ("0 5-1 * * *", "^has '5-1' as hour; a range must rise$"),
        ("*/0 * * * *", r"^has '\*/0' as minute; a step must be from 1 to 59$"),
        ("0 3 L * *", "^has 'L' as day of the month; must be from 1 to 31$"),
        ("0 3 * * 1#2", "^has '1#2' as day of the week; must have five fields"),
        ("0 3 31 2 *", "^names a day that never comes: day 31 of month 2$"),
        ("0 3 31 2,4,6 *", "^names a day that never comes: day 31 of month 2,4,6$"),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_cron(text)


def test_whatever_is_taken_comes_at_some_time() -> None:
    random.seed(0)
    n_taken = 0
    for _ in range(5_000):
        text = " ".join(random.choice(PIECES) if random.random() < 0.4 else "*" for _ in range(5))
        try:
            check_cron(text)
        except ValueError:
            continue
        n_taken += 1
        assert croniter(text, 0).get_next() > 0, text
    assert n_taken > 500


def test_it_is_light() -> None:
    assert loaded_by("import vision.config.cron", {"croniter", "dateutil", "pandas"}) == "[]"
