"""Removes everything that goes, in a process of its own that is killed where the test says."""

from __future__ import annotations

from vision.environment import prepare

prepare()

from steps.upkeep.remove import remove_all  # noqa: E402
from steps.upkeep.survey import survey  # noqa: E402

if __name__ == "__main__":
    for done in remove_all(survey(5), 5):
        print(done.outcome, done.why)
