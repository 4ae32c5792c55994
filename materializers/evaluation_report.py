"""Keeps an evaluation report: numbers as JSON, tables as parquet, counts without pickle."""

from __future__ import annotations

import io
import json
import math
from typing import Any, ClassVar

import numpy as np
from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash
from materializers.gate_verdict import gate_table
from materializers.pages import frame, heading, page, table
from materializers.property_table import frame_hash, from_parquet, to_parquet
from vision.evaluation import EvaluationReport
from vision.validation.report import Gate

REPORT_FILE = "report.json"
PER_CLASS_FILE = "per_class.parquet"
PREDICTIONS_FILE = "predictions.parquet"
CONFUSION_FILE = "confusion.npy"
CONFUSION_IMAGE = "confusion_matrix.png"
PER_CLASS_IMAGE = "per_class.png"
SUMMARY_FILE = "summary.html"


class EvaluationReportMaterializer(FileMaterializer):
    """``report.json``, ``per_class.parquet``, ``predictions.parquet`` and ``confusion.npy``."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (EvaluationReport,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA_ANALYSIS

    def save(self, data: EvaluationReport) -> None:
        """Writes all four files."""
        self.write(REPORT_FILE, _numbers(data).encode())
        self.write(PER_CLASS_FILE, to_parquet(data.per_class))
        self.write(PREDICTIONS_FILE, to_parquet(data.predictions))
        buffer = io.BytesIO()
        np.save(buffer, data.confusion, allow_pickle=False)
        self.write(CONFUSION_FILE, buffer.getvalue())

    def load(self, data_type: type[Any]) -> EvaluationReport:
        """Reads all four files."""
        numbers = json.loads(self.read(REPORT_FILE))
        metrics = numbers["metrics"]
        return EvaluationReport(
            split=numbers["split"],
            classes=tuple(numbers["classes"]),
            metrics={name: math.nan if v is None else v for name, v in metrics.items()},
            per_class=from_parquet(self.read(PER_CLASS_FILE)),
            confusion=np.load(io.BytesIO(self.read(CONFUSION_FILE)), allow_pickle=False),
            predictions=from_parquet(self.read(PREDICTIONS_FILE)),
            gates=tuple(Gate.model_validate(gate) for gate in numbers["gates"]),
        )

    def save_visualizations(self, data: EvaluationReport) -> dict[str, VisualizationType]:
        """Shows the confusion matrix, the classes, and every number."""
        from vision.figures import confusion_matrix, per_class_bars

        matrix = self.write(CONFUSION_IMAGE, confusion_matrix(data))
        bars = self.write(PER_CLASS_IMAGE, per_class_bars(data))
        summary = self.write(SUMMARY_FILE, _summary(data).encode())
        return {
            matrix: VisualizationType.IMAGE,
            bars: VisualizationType.IMAGE,
            summary: VisualizationType.HTML,
        }

    def extract_metadata(self, data: EvaluationReport) -> dict[str, Any]:
        """Gives the metrics that are numbers and the gates."""
        return {
            "split": data.split,
            "n_images": data.n_images,
            "passed": data.passed,
            "gates": [gate.sentence for gate in data.gates],
            **{name: value for name, value in data.metrics.items() if math.isfinite(value)},
        }

    def compute_content_hash(self, data: EvaluationReport) -> str:
        """Hashes every number and every prediction."""
        tables = (frame_hash(data.per_class), frame_hash(data.predictions))
        return content_hash(_numbers(data), *tables, data.confusion.tobytes())


def _numbers(data: EvaluationReport) -> str:
    """Returns all but tables and counts as JSON, which has no NaN: null stands for it."""
    finite = {name: v if math.isfinite(v) else None for name, v in data.metrics.items()}
    numbers = {
        "split": data.split,
        "classes": list(data.classes),
        "metrics": finite,
        "gates": [json.loads(gate.model_dump_json()) for gate in data.gates],
    }
    return json.dumps(numbers, indent=2, allow_nan=False)


def _summary(data: EvaluationReport) -> str:
    return page(
        f"{data.n_images:,} images of split {data.split}",
        table(("metric", "value"), data.metrics.items()),
        heading("Gates"),
        gate_table(data.gates),
        heading("Classes"),
        frame(data.per_class.set_index("label"), "class"),
    )
