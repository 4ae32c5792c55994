"""Writes the images that people should look at after drift, ready to be labelled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from zenml import step

from steps.logged_periods import kept_images
from vision.config.monitoring import ReviewConfig
from vision.home import folder
from vision.monitoring import review as batches
from vision.monitoring.report import MonitoringReport
from vision.monitoring.traffic import Traffic
from vision.progress import say


# Never from the cache: it writes files.
@step(enable_cache=False)
def write_review(
    traffic: Traffic, report: MonitoringReport, review: ReviewConfig
) -> Annotated[str, "review"]:
    """Writes a review batch for each version that drifted.

    Args:
      traffic: what was predicted, with what may be looked at.
      report: which versions drifted.
      review: how many images, and where batches are written.

    Returns:
      the tables to fill in, a line each; empty where nothing drifted.

    Raises:
      VisionError: a batch cannot be written.
    """
    place = folder("reviews") if review.folder is None else Path(review.folder)
    tables = []
    for each, part in zip(traffic.versions, report.versions, strict=False):
        if part.verdict != "drift":
            continue
        chosen = batches.choose_review(each.period.candidates, review.n_images)
        batch = place / f"{report.name}-{each.version}-{report.created_at:%Y%m%d-%H%M%S}"
        table = batches.write_review(
            batch, chosen, name=report.name, version=each.version, images=kept_images()
        )
        say(f"review batch of {len(chosen)} images: {table}")
        tables.append(str(table))
    return "\n".join(tables)
