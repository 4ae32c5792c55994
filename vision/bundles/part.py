"""Reads the JSON files of a bundle beside its manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from vision.bundles.manifest import first_problem
from vision.errors import BundleError

Part = TypeVar("Part", bound=BaseModel)


def read_part(path: Path, kind: type[Part], *, absent: str, otherwise: str) -> Part:
    """Reads a file of a bundle.

    Args:
      path: of the file.
      kind: the type of what it holds.
      absent: the sentence where there is no such file.
      otherwise: what it is where it holds something else, such as ``is no power table``.

    Raises:
      BundleError: there is none, or it is not one that this version understands.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise BundleError(absent) from error
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror}); make a new bundle") from error
    except ValidationError as error:
        raise BundleError(
            f"{path} {otherwise}: {first_problem(error)}; make a new bundle"
        ) from error
