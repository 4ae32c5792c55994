"""The manifest of a bundle: what it is, what it holds and where it came from.

``manifest.json`` lists every other file of the folder with its size and sha256.
"""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from vision.bundles.plain import read_plain
from vision.errors import BundleError

MANIFEST_FILE = "manifest.json"
GRAPH_FILE = "serving.onnx"
LABELS_FILE = "labels.json"
GOLDEN_FILE = "golden/expected.json"

ID_PATTERN = r"^[A-Za-z0-9._-]{1,64}$"
Id = Annotated[str, Field(pattern=ID_PATTERN)]

MEND = "take the bundle from the model store again, or make a new one"


class _Part(BaseModel):
    """A frozen, closed part of the manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(_Part):
    """Checksum and size of one file."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    n_bytes: Annotated[int, Field(ge=0)]


class Lineage(_Part):
    """Where a model came from; None where something is not known.

    Attributes:
      git_commit: commit of the code that trained it.
      git_is_dirty: whether that code had changes that are in no commit.
      data_digest: digest of the annotation table.
      whole_data_digest: of that table before ``validation.quarantine`` left anything out; older
        bundles have none.
      dataset_source: source kind of the dataset.
      dataset_revision: tag, branch or commit of the dataset.
      tracking_run: id in the experiment tracker.
      pipeline_run: id of the pipeline run.
      config_digest: digest of the job's configuration.
    """

    git_commit: str | None = None
    git_is_dirty: bool | None = None
    data_digest: str | None = None
    whole_data_digest: str | None = None
    dataset_source: str | None = None
    dataset_revision: str | None = None
    tracking_run: str | None = None
    pipeline_run: str | None = None
    config_digest: str | None = None


class Versions(_Part):
    """Versions of the packages that made the bundle; None where one was not used."""

    python: str
    numpy: str
    opencv: str | None = None
    tensorflow: str | None = None
    keras: str | None = None
    onnxruntime: str | None = None


class Parity(_Part):
    """How far the serving graph is from the model that was trained.

    Attributes:
      n_images: golden images that were compared.
      max_difference: largest absolute difference of a probability.
      tolerance: largest difference that is accepted, when made and whenever loaded.
    """

    n_images: Annotated[int, Field(ge=1)]
    max_difference: Annotated[float, Field(ge=0.0)]
    tolerance: Annotated[float, Field(gt=0.0)]


class Manifest(_Part):
    """What a bundle is, what it holds and where it came from.

    Attributes:
      name: the model's name.
      version: ``YYYYmmdd-HHMMSS-<8 hex>``.
      created_at: when it was made, UTC.
      input_size: ``(height, width)`` in pixels of the images the graph takes.
      classes: class names; a class index is a position in this tuple.
      files: every file but the manifest, by its relative path with forward slashes.
      metrics: results of the evaluation.
    """

    schema_version: Literal[1] = 1
    name: Id
    version: Id
    created_at: AwareDatetime
    architecture: str
    input_size: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    task: Literal["multiclass", "multilabel"]
    classes: Annotated[tuple[str, ...], Field(min_length=2)]
    n_parameters: Annotated[int, Field(ge=0)]
    files: dict[str, FileEntry]
    lineage: Lineage
    versions: Versions
    metrics: dict[str, float | None]
    parity: Parity

    @field_validator("classes")
    @classmethod
    def _names_are_unique(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(classes)) != len(classes):
            raise ValueError("class names must be unique")
        return classes

    @field_validator("files")
    @classmethod
    def _paths_stay_inside(cls, files: dict[str, FileEntry]) -> dict[str, FileEntry]:
        for path in files:
            if not _is_inside(path):
                raise ValueError(f"path {path!r} must be relative and stay inside the bundle")
            if path == MANIFEST_FILE:
                raise ValueError(f"{MANIFEST_FILE} cannot list itself")
        return files


def check_id(value: str, what: str) -> str:
    """Returns ``value`` if it can be a model's name or version.

    Args:
      value: text from outside, for example from a request or a file name.
      what: what it stands for, for the message.

    Raises:
      BundleError: it holds other characters than ``A-Z a-z 0-9 . _ -`` or is too long.
    """
    if not re.fullmatch(ID_PATTERN, value) or set(value) == {"."}:
        raise BundleError(
            f"{what} {value!r}: 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-' are allowed; "
            "use the name and version that the training pipeline printed"
        )
    return value


def read_manifest(folder: Path) -> Manifest:
    """Reads ``manifest.json`` of a bundle; the other files are not looked at.

    Raises:
      BundleError: there is no manifest, or it is not one that this version understands.
    """
    path = folder / MANIFEST_FILE
    try:
        return Manifest.model_validate_json(read_plain(path))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleError(f"{folder} is no bundle: it has no {MANIFEST_FILE}; {MEND}") from error
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror}); {MEND}") from error
    except ValidationError as error:
        raise BundleError(f"{path} is no valid manifest: {first_problem(error)}; {MEND}") from error


def write_manifest(folder: Path, manifest: Manifest) -> Path:
    """Writes ``manifest.json`` with one key per line, and returns its path."""
    path = folder / MANIFEST_FILE
    path.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return path


def read_labels(folder: Path) -> tuple[str, ...]:
    """Returns the class names of ``labels.json``, in class order.

    Raises:
      BundleError: the file is not a JSON list of strings.
    """
    path = folder / LABELS_FILE
    try:
        labels = json.loads(read_plain(path))
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} cannot be read as JSON ({error}); {MEND}") from error
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise BundleError(f"{path} must be a list of class names; {MEND}")
    return tuple(labels)


def _is_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    is_plain = bool(path) and "\\" not in path and "\0" not in path and str(pure) == path
    return is_plain and not pure.is_absolute() and not {".", ".."} & set(pure.parts)


def first_problem(error: ValidationError) -> str:
    """Returns where a file is wrong, and how, in a few words."""
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"]) or "the file"
    return f"{where}: {problem['msg']}"
