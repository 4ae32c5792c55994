"""Keeps what the steps of monitoring hand on: JSON, and one file with the bytes of all arrays."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from zenml.enums import ArtifactType

from materializers.files import FileMaterializer, content_hash
from materializers.packed import Packing, Unpacking
from vision.monitoring.checks import DriftChecks, PropertyChecks
from vision.monitoring.traffic import Traffic

VALUES_FILE = "values.json"
ARRAYS_FILE = "arrays.bin"


class PackedMaterializer(FileMaterializer):
    """``values.json`` and ``arrays.bin``; see :mod:`materializers.packed`."""

    SKIP_REGISTRATION: ClassVar[bool] = True
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    def save(self, data: Any) -> None:
        """Writes both files."""
        values, arrays = _packed(data)
        self.write(VALUES_FILE, values)
        self.write(ARRAYS_FILE, arrays)

    def load(self, data_type: type[Any]) -> Any:
        """Reads both files."""
        unpacking = Unpacking(self.read(ARRAYS_FILE))
        return unpacking.unpack(data_type, json.loads(self.read(VALUES_FILE)))

    def compute_content_hash(self, data: Any) -> str:
        """Hashes everything."""
        return content_hash(*_packed(data))


class TrafficMaterializer(PackedMaterializer):
    """Keeps what was predicted in a period."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Traffic,)

    def extract_metadata(self, data: Traffic) -> dict[str, Any]:
        """Counts the predictions of each version."""
        counts = {each.version: each.period.n for each in data.versions}
        return {"model": data.name, "since": data.since.isoformat(), "n_predictions": counts}


class DriftChecksMaterializer(PackedMaterializer):
    """Keeps the tests of a period."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (DriftChecks,)

    def extract_metadata(self, data: DriftChecks) -> dict[str, Any]:
        """Counts the tests of each version."""
        counts = {
            each.version: len(each.evidence.mmd)
            + (len(each.evidence.result.tests) if each.evidence.result else 0)
            for each in data.versions
        }
        return {"n_tests": counts}


class PropertyChecksMaterializer(PackedMaterializer):
    """Keeps what the data validator said."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (PropertyChecks,)

    def extract_metadata(self, data: PropertyChecks) -> dict[str, Any]:
        """Names the properties that moved, by version."""
        moved = {version: list(findings) for version, findings in data.findings.items()}
        return {"validator": data.validator, "moved": moved}


def _packed(data: Any) -> tuple[bytes, bytes]:
    packing = Packing()
    values = json.dumps(packing.pack(data), allow_nan=False).encode()
    return values, bytes(packing.data)
