"""Builds the bento of the code as it is, for ``make image``; the deployment pipeline has a step."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import yaml

from steps.packaging.containers import PackagingError, call
from vision.home import repository

_BUILT_WITHIN_S = 300.0
_TAG = "__tag__:"


def build_bento_now(requirements: str = "") -> Path:
    """Builds a bento with BentoML, and returns its folder in BentoML's store.

    Args:
      requirements: the file of its packages, relative to the repository; if empty, what
        bentofile.yaml says.

    Raises:
      PackagingError: BentoML failed; the message ends with what it said.
    """
    import bentoml

    described = yaml.safe_load((repository() / "bentofile.yaml").read_text(encoding="utf-8"))
    if requirements:
        described["python"]["requirements_txt"] = requirements
    with tempfile.TemporaryDirectory(prefix="visionstack-bento-") as folder:
        file = Path(folder) / "bentofile.yaml"
        file.write_text(yaml.safe_dump(described), encoding="utf-8")
        words = ["-m", "bentoml", "build", "--output", "tag", "--bentofile", str(file)]
        called = call([sys.executable, *words, str(repository())], _BUILT_WITHIN_S)
    tags = [line for line in called.output.splitlines() if line.startswith(_TAG)]
    if called.code or not tags:
        raise PackagingError(
            f"bentoml build failed with status {called.code}:\n{called.tail}\n"
            "`bentoml build` in the repository shows all of it"
        )
    return Path(bentoml.bentos.get(tags[-1].removeprefix(_TAG)).path)
