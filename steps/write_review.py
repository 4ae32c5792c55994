"""Writes the images that people should look at after drift, ready to be labelled.

Drift that was found stays found: a batch that cannot be written is a sentence, and no failure.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from zenml import step

from steps.logged_periods import kept_images
from vision.config.monitoring import ReviewConfig
from vision.errors import VisionError
from vision.monitoring import review as batches
from vision.monitoring.earlier_batches import read_reviewed
from vision.monitoring.kept import private_folder
from vision.monitoring.report import MonitoringReport
from vision.monitoring.traffic import Traffic, VersionTraffic
from vision.progress import say

_ALL_ASKED = "all that could be chosen has a true label or was in an earlier batch; label those"


# Never from the cache: it writes files.
@step(enable_cache=False)
def write_review(
    traffic: Traffic, report: MonitoringReport, review: ReviewConfig
) -> Annotated[str, "review"]:
    """Writes a review batch for each served version that drifted.

    Args:
      traffic: what was predicted, with what may be looked at.
      report: which versions drifted.
      review: how many images, and where batches are written.

    Returns:
      the tables to fill in, or why there is none, a line each; empty where nothing drifted.
    """
    written = []
    for each, part in zip(traffic.versions, report.versions, strict=False):
        if part.verdict != "drift" or part.served_until is not None:
            continue
        try:
            written.append(_write(each, report, review))
        except VisionError as error:
            say(str(error))
            written.append(str(error))
    return "\n".join(written)


def _write(traffic: VersionTraffic, report: MonitoringReport, review: ReviewConfig) -> str:
    """Writes the batch of a version and returns its table, or that there is nothing to look at.

    Raises:
      VisionError: it cannot be written.
    """
    place = private_folder("reviews") if review.folder is None else Path(review.folder)
    candidates = traffic.period.candidates
    reviewed = read_reviewed(place, report.name, traffic.version)
    chosen = batches.choose_review(candidates, review.n_images, reviewed)
    if candidates and not chosen:
        said = f"no review batch for {report.name} {traffic.version}: {_ALL_ASKED}"
        say(said)
        return said
    table = batches.write_review(
        place / f"{report.name}-{traffic.version}-{report.created_at:%Y%m%d-%H%M%S}",
        chosen,
        name=report.name,
        version=traffic.version,
        images=kept_images(),
    )
    say(f"review batch of {len(chosen)} images: {table}")
    return str(table)
