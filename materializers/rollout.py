"""A roll-out and how it is kept: as JSON, shown as a page."""

from __future__ import annotations

from typing import Any, ClassVar

from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash
from materializers.pages import heading, page, paragraph, table
from vision.bundles.rolled_out import Figures, RollOut

ROLL_OUT_FILE = "roll_out.json"
PAGE_FILE = "roll_out.html"

_HEADER = ("service", "before", "now", "ready after s", "requests", "failed", "median ms", "was ms")


class RollOutMaterializer(FileMaterializer):
    """``roll_out.json`` and a page with every service."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (RollOut,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.SERVICE

    def save(self, data: RollOut) -> None:
        """Writes everything that was seen."""
        self.write(ROLL_OUT_FILE, data.model_dump_json(indent=2).encode())

    def load(self, data_type: type[Any]) -> RollOut:
        """Reads it."""
        return RollOut.model_validate_json(self.read(ROLL_OUT_FILE))

    def save_visualizations(self, data: RollOut) -> dict[str, VisualizationType]:
        """Shows the outcome and each service."""
        return {self.write(PAGE_FILE, rollout_page(data).encode()): VisualizationType.HTML}

    def extract_metadata(self, data: RollOut) -> dict[str, Any]:
        """Gives the outcome and why."""
        return {
            "outcome": data.outcome,
            "reason": data.reason or "none",
            "target": data.target,
            "version": data.version,
            "services": len(data.replicas),
        }

    def compute_content_hash(self, data: RollOut) -> str:
        """Hashes everything that was seen."""
        return content_hash(data.model_dump_json())


def rollout_page(data: RollOut) -> str:
    """Returns the roll-out as a complete HTML page."""
    share = "" if data.mode == "all" else f", {data.share:.0%} of the requests"
    took = (data.ended_at - data.began_at).total_seconds()
    when = (
        f"{data.began_at:%Y-%m-%d %H:%M} UTC, {took:.0f} s, watched for {data.watch_s:g} s at most."
    )
    parts = [paragraph(f"{data.sentence}."), paragraph(f"Target: {data.target}{share}. {when}")]
    if data.replicas:
        rows = [
            (
                each.address,
                each.former or "none",
                each.served or "no answer",
                each.ready_s,
                *_numbers(each.watched),
                each.before.median_ms if each.before else None,
            )
            for each in data.replicas
        ]
        parts += [heading("Services"), table(_HEADER, rows)]
        parts += [paragraph(each.problem) for each in data.replicas if each.problem]
    if data.files:
        parts += [heading("Files"), paragraph(", ".join(data.files))]
    return page(f"Roll-out: {data.version}", *parts)


def _numbers(figures: Figures | None) -> tuple[int | float | None, ...]:
    if figures is None:
        return (None, None, None)
    return figures.n_requests, figures.n_errors, figures.median_ms
