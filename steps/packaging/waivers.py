"""``ops/audit-waivers.yaml``: known vulnerabilities that are put up with, and until when."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from steps.packaging.containers import PackagingError

_Text = Annotated[str, Field(min_length=1)]


class Waiver(BaseModel):
    """One vulnerability of one package.

    Attributes:
      id: as pip-audit names it, or one of its aliases.
      package: its name.
      reason: why it is put up with.
      until: the last day on which it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: _Text
    package: _Text
    reason: Annotated[str, Field(min_length=10)]
    until: date

    def is_expired(self, today: date) -> bool:
        """Tells whether its last day is over."""
        return today > self.until


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    waivers: tuple[Waiver, ...]


def read_waivers(path: Path) -> tuple[Waiver, ...]:
    """Reads the waivers.

    Raises:
      PackagingError: the file is not there, or not as it has to be.
    """
    try:
        return _File.model_validate(yaml.safe_load(path.read_bytes())).waivers
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(map(str, problem["loc"])) or "the file"
        raise PackagingError(
            f"{path}: {where}: {problem['msg']}; its header has an example"
        ) from error
    except (OSError, yaml.YAMLError) as error:
        raise PackagingError(f"{path} cannot be read: {error}") from error
