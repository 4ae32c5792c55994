"""Kinds of values that commands take; each refuses a wrong one before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

_TABLES = ".csv, .parquet or .json"


class FileOf(click.Path):
    """A file to write, in the form that its ending names."""

    def __init__(self, *endings: str) -> None:
        super().__init__(path_type=Path, dir_okay=False)
        self._endings = endings

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Returns the path, whose ending is one of those in use."""
        path = Path(str(super().convert(value, param, ctx)))
        if path.suffix.lower() not in self._endings:
            self.fail(f"{path} must end in {' or '.join(self._endings)}.", param, ctx)
        return path


class Source(click.Path):
    """A folder of images or a file that lists them."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Returns the path of what is there."""
        path = Path(str(super().convert(value, param, ctx)))
        if not path.exists():
            self.fail(
                f"{path} does not exist; give a folder with a folder for each class, or a "
                f"{_TABLES} file.",
                param,
                ctx,
            )
        return path


class GroupPattern(click.ParamType):
    """A regular expression that finds the group of an image in its path."""

    name = "regex"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Returns the expression, by the rule of ``dataset.group_by``."""
        from pydantic import ValidationError

        from vision.config.dataset import DatasetConfig

        try:
            DatasetConfig(source="folder", path=".", group_by=value)
        except ValidationError as error:
            rule = error.errors()[0].get("ctx", {}).get("error", "cannot be used")
            self.fail(
                f"{value!r} {rule}; write one around the part that names the group, such as "
                "'(patient_[0-9]+)'.",
                param,
                ctx,
            )
        return value
