"""The one tree of errors that the project raises on purpose.

Each message names the thing, its value, the rule it breaks and the next move. Whoever catches
``VisionError`` catches every foreseen failure; anything else is a defect and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vision.validation.report import Gate


class VisionError(Exception):
    """A foreseen failure with a message for a person."""


class ConfigError(VisionError):
    """A job's configuration is wrong.

    Attributes:
      problems: one line per problem, each with file, line, key, value, rule and nearest key.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class DatasetError(VisionError):
    """A dataset cannot be used: it is missing, empty, or has a single class."""


class ImageError(VisionError):
    """Bytes that are not a usable image.

    Attributes:
      reason: one of ``empty``, ``unknown_format``, ``corrupt``, ``truncated``, ``too_large``.
    """

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class ModelError(VisionError):
    """A model cannot be built, trained, exported or loaded."""


class BundleError(VisionError):
    """A bundle is incomplete, changed, or does not give its stored answers."""


class StackError(VisionError):
    """A stack or one of its components is missing, wrong or unusable here."""


class GateStopped(VisionError):
    """A gate of the configuration was not passed; what follows it must not run.

    Attributes:
      gates: the gates that were judged, passed or not.
    """

    def __init__(self, gates: Sequence[Gate]) -> None:
        self.gates = tuple(gates)
        failed = [gate for gate in self.gates if not gate.passed]
        super().__init__("; ".join(gate.sentence for gate in failed) or "stopped by a gate")
