"""How the classes of a dataset differ from those that a bundle was trained on.

A rename is told by the images: those of the bundle's reference set are looked up in the dataset by
their bytes, and where most of a lost class now carry one new class, that is its new name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from vision.bundles.manifest import read_manifest
from vision.datasets.table import AnnotationTable

_REFERENCE_FILE = "reference.parquet"
_MOST = 0.5


def find_class_changes(bundle: Path, table: AnnotationTable) -> tuple[str, ...]:
    """Returns a sentence for each class that was renamed, removed or added.

    Args:
      bundle: the folder of the bundle, for example the champion's.
      table: the dataset as it is now.

    Raises:
      BundleError: the manifest is missing or damaged.
    """
    before, after = read_manifest(bundle).classes, table.classes
    removed = [name for name in before if name not in after]
    added = [name for name in after if name not in before]
    if not removed and not added:
        return ()
    renamed = _find_renames(bundle / _REFERENCE_FILE, table, removed, added)
    return (
        *(f"{old} is now called {new}" for old, new in renamed.items()),
        *(f"{name} was removed" for name in removed if name not in renamed),
        *(f"{name} was added" for name in added if name not in renamed.values()),
    )


def _find_renames(
    reference: Path, table: AnnotationTable, removed: list[str], added: list[str]
) -> Mapping[str, str]:
    if not removed or not added or not reference.is_file():
        return {}
    known = pd.read_parquet(reference, columns=["sha256", "label"])
    now = table.frame[["sha256", "label"]].drop_duplicates("sha256")
    same = known.merge(now, on="sha256", suffixes=("_before", ""))
    renamed: dict[str, str] = {}
    for old in removed:
        labels = same.loc[same["label_before"] == old, "label"]
        if labels.empty:
            continue
        shares = labels.value_counts(normalize=True).sort_index().sort_values(kind="stable")
        new = str(shares.index[-1])
        if shares.iloc[-1] > _MOST and new in added and new not in renamed.values():
            renamed[old] = new
    return renamed
