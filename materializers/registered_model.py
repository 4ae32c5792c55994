"""A registered model version and how it is kept: as JSON, shown as a summary."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict
from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash

REGISTERED_FILE = "registered.json"
SUMMARY_FILE = "summary.md"


class RegisteredModel(BaseModel):
    """One model version under all the names it has.

    Attributes:
      name: the model's name.
      version: the bundle's version, the one name that holds everywhere.
      alias: ``champion`` where it is served, else ``challenger``.
      bento_model: ``name:version`` in the BentoML model store.
      registry_version: number in the model registry; None where the stack has none.
      pipeline_model: id of the ZenML model version.
      tracking_run: id in the experiment tracker; None where the stack has none.
      metrics: results of the evaluation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    alias: Literal["champion", "challenger"]
    bento_model: str
    registry_version: str | None
    pipeline_model: str
    tracking_run: str | None
    metrics: dict[str, float | None]


class RegisteredModelMaterializer(FileMaterializer):
    """``registered.json`` and a summary in Markdown."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (RegisteredModel,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.SERVICE

    def save(self, data: RegisteredModel) -> None:
        """Writes the names."""
        self.write(REGISTERED_FILE, data.model_dump_json(indent=2).encode())

    def load(self, data_type: type[Any]) -> RegisteredModel:
        """Reads the names."""
        return RegisteredModel.model_validate_json(self.read(REGISTERED_FILE))

    def save_visualizations(self, data: RegisteredModel) -> dict[str, VisualizationType]:
        """Shows the summary."""
        return {self.write(SUMMARY_FILE, _summary(data).encode()): VisualizationType.MARKDOWN}

    def extract_metadata(self, data: RegisteredModel) -> dict[str, Any]:
        """Gives every name."""
        return {key: value for key, value in data.model_dump().items() if value is not None}

    def compute_content_hash(self, data: RegisteredModel) -> str:
        """Hashes the names."""
        return content_hash(data.model_dump_json())


def _summary(data: RegisteredModel) -> str:
    metrics = "\n".join(
        f"| {name} | {'–' if value is None else f'{value:.4f}'} |"
        for name, value in data.metrics.items()
    )
    next_move = (
        "It is the first version of this model, so it is the champion: `bentoml serve` answers "
        "with it."
        if data.alias == "champion"
        else "The champion stays as it is; this version is a challenger until it is promoted."
    )
    return f"""# {data.name} {data.version}

{next_move}

| metric | value |
|---|---|
{metrics}

| where | name |
|---|---|
| BentoML model store | `{data.bento_model}` |
| Model registry | {_code(data.registry_version and f"{data.name}/{data.registry_version}")} |
| ZenML model version | `{data.name}` / `{data.version}` |
| Tracking run | {_code(data.tracking_run)} |
"""


def _code(text: str | None) -> str:
    return f"`{text}`" if text else "this stack has none"
