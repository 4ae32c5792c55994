"""What the power table of a served model promised, where this machine has the bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vision.bundles.manifest import read_manifest
from vision.drift.detector_file import read_detectors
from vision.drift.power_table import CLEAN, read_power
from vision.errors import BundleError
from vision.home import home


def promise_line(model: dict[str, Any], scenario: str, severity: int) -> str:
    """Returns what the bundle of a served model says about a scenario; empty where it says nothing.

    Args:
      model: of ``GET /model``.
      scenario: ``clean`` or one of :data:`vision.drift.corruptions.SCENARIOS`.
      severity: 1, 2 or 3.
    """
    folder = find_bundle(str(model.get("name")), str(model.get("version")))
    if folder is None:
        return ""
    try:
        if scenario == CLEAN:
            rate = read_detectors(folder).alarm_rate
            return f"the thresholds promised: a false alarm in 1 of {1 / rate:,.0f} checks"
        table = read_power(folder)
        promised = table.promise(scenario, severity)
    except (BundleError, KeyError):
        return ""
    if promised is None:
        sizes = table.sizes_of(scenario, severity)
        if not sizes:
            return "the power table promised nothing: no class has images enough to try it"
        least = f"fewer than 99 % of windows of {max(sizes):,} such images were found"
        return f"the power table promised nothing: {least}"
    return (
        f"the power table promised: seen in {promised:,} such images; the service checks after "
        f"every {table.every_n:,}"
    )


def find_bundle(name: str, version: str) -> Path | None:
    """Returns the folder of a bundle on this machine, in the project's home or the model store."""
    made = home() / "bundles" / name / version
    if _is_of(made, name, version):
        return made
    # BentoML takes a second to import.
    from serving.models.store import bundle_folder, bundle_tag

    try:
        stored = bundle_folder(bundle_tag(name, version))
    except BundleError:
        return None
    return stored if _is_of(stored, name, version) else None


def _is_of(folder: Path, name: str, version: str) -> bool:
    try:
        manifest = read_manifest(folder)
    except BundleError:
        return False
    return (manifest.name, manifest.version) == (name, version)
