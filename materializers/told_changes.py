"""What people were told after a monitoring run and how it is kept: as JSON, shown as a table."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict
from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash
from materializers.pages import page, paragraph, table

CHANGES_FILE = "told.json"
PAGE_FILE = "told.html"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DeliveryEntry(_Part):
    """How one alert ended; see :class:`vision.monitoring.alerts.Delivery`."""

    kind: str
    where: str
    is_delivered: bool
    sentence: str


class ChangeEntry(_Part):
    """A change that people were to be told; see :class:`vision.monitoring.state.StateChange`."""

    version: str
    before: str | None
    now: str
    moved: tuple[str, ...]
    next_move: str
    link: str
    time: AwareDatetime
    deliveries: tuple[DeliveryEntry, ...]


class ToldChanges(_Part):
    """All changes of a run; none where people knew everything already."""

    model: str
    changes: tuple[ChangeEntry, ...] = ()


class ToldChangesMaterializer(FileMaterializer):
    """``told.json`` and a table of the alerts."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (ToldChanges,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA_ANALYSIS

    def save(self, data: ToldChanges) -> None:
        """Writes the changes."""
        self.write(CHANGES_FILE, data.model_dump_json(indent=2).encode())

    def load(self, data_type: type[Any]) -> ToldChanges:
        """Reads the changes."""
        return ToldChanges.model_validate_json(self.read(CHANGES_FILE))

    def save_visualizations(self, data: ToldChanges) -> dict[str, VisualizationType]:
        """Shows each alert with how it ended."""
        shown = page(f"Told about {data.model}", _table(data))
        return {self.write(PAGE_FILE, shown.encode()): VisualizationType.HTML}

    def extract_metadata(self, data: ToldChanges) -> dict[str, Any]:
        """Gives each alert's end as a sentence."""
        told = [delivery for change in data.changes for delivery in change.deliveries]
        return {
            "n_changes": len(data.changes),
            "alerts": [delivery.sentence for delivery in told],
        }

    def compute_content_hash(self, data: ToldChanges) -> str:
        """Hashes the changes."""
        return content_hash(data.model_dump_json())


def _table(data: ToldChanges) -> str:
    if not data.changes:
        return paragraph("Nothing changed since people were told last, so nobody was told.")
    rows = (
        (
            change.version,
            change.before or "",
            change.now,
            delivery.sentence,
            "passed" if delivery.is_delivered else "failed",
        )
        for change in data.changes
        for delivery in change.deliveries
    )
    return table(("version", "before", "now", "alert", "result"), rows)
