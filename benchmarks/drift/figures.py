"""Pictures of docs/drift-tables.md."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from false_alarms import Alarms
from matplotlib.figure import Figure

# What was asked for: within two points of the wanted rate.
_BAND = 0.02


def calibration_curve(procedure: Sequence[Alarms], bundle: Sequence[Alarms]) -> bytes:
    """Draws measured against wanted false alarms, as PNG; bars are two standard errors."""
    figure = Figure(figsize=(5.2, 4.0), layout="constrained")
    axis = figure.subplots()
    wanted = np.array([each.rate for each in procedure])
    line = np.linspace(0.0, 1.1 * wanted.max(), 50)
    axis.fill_between(
        100 * line,
        100 * (line - _BAND),
        100 * (line + _BAND),
        color="0.9",
        label="wanted, ± 2 points",
    )
    axis.plot(100 * line, 100 * line, color="0.5", linewidth=1)
    for name, found, marker in (("procedure", procedure, "o"), ("this bundle", bundle, "s")):
        shares = np.array([each.share for each in found])
        errors = np.array([2 * each.error for each in found])
        axis.errorbar(
            100 * wanted, 100 * shares, 100 * errors, fmt=marker, capsize=3, ms=5, label=name
        )
    axis.set_xlabel("wanted share of checks with a false alarm (%)")
    axis.set_ylabel("measured share (%)")
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False)
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=150)
    return written.getvalue()
