"""What the checks find among planted faults: the script behind docs/planted-faults.md."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from vision.home import repository

pytestmark = [pytest.mark.integration, pytest.mark.soak]

EXACT = (
    "corrupt_images",
    "duplicates_across_splits",
    "near_duplicates_across_splits",
    "outlying_images",
)


def test_planted_faults_are_found(cifar10: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Faults\n\n<!-- table -->\nold\n<!-- end -->\n\nThe end.\n")
    script = repository() / "benchmarks" / "planted_faults.py"
    ended = subprocess.run(
        [sys.executable, str(script), str(cifar10), "--write", str(page)],
        capture_output=True,
        text=True,
        check=True,
        timeout=900,
    )
    rows = [line.strip("| ").split(" | ") for line in page.read_text().splitlines()]
    table = {cells[0]: cells[1:] for cells in rows if len(cells) == 5}
    for check in EXACT:
        recall, precision = map(float, table[check][2:])
        assert recall >= 0.95, check
        assert precision >= 0.99, check
    assert float(table["likely_wrong_labels, first 100"][3]) >= 0.5
    assert page.read_text().startswith("# Faults\n\n<!-- table -->\n| check |")
    assert page.read_text().endswith("<!-- end -->\n\nThe end.\n")
    *_, clean = ended.stdout.splitlines()
    assert "error" not in json.loads(clean)["clean"].values()
