"""The only door to MLflow: tracking runs; :mod:`steps.model_registry` goes through it.

A stack may have another experiment tracker or none; then everything here does nothing, and the
pipeline runs just the same. MLflow is imported when a tracking run is open and not before.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from zenml.client import Client

from steps.autologging import keep_autologging_light
from vision.errors import StackError
from vision.provenance import CodeVersion

if TYPE_CHECKING:
    import mlflow

    from vision.bundles.build import Bundle
    from vision.config import TrackingConfig
    from vision.datasets.table import AnnotationTable

FLAVOR = "mlflow"
# Where a tracking run keeps what the code that made it had in no commit.
PATCH_FILE = "code/dirty.patch"
_LONGEST_PARAMETER = 500
_LONGEST_DIGEST = 36


class Tracker:
    """A tracking run that keeps nothing: what a stack without MLflow gets."""

    run_id: str | None = None
    url: str | None = None

    def log_sections(self, sections: Mapping[str, BaseModel]) -> None:
        """Logs sections of the configuration as parameters, ``section.key``."""

    def log_metrics(self, metrics: Mapping[str, float | None], epoch: int | None = None) -> None:
        """Logs numbers, those of an epoch under its number."""

    def log_code(self, code: CodeVersion) -> None:
        """Logs commit and dirtiness as tags, and the patch as a file."""

    def log_dataset(self, table: AnnotationTable) -> None:
        """Logs the dataset's digest and where it came from."""

    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Logs tags."""

    def log_file(self, name: str, content: bytes) -> None:
        """Logs a file, for example a page or a figure."""

    def register(self, bundle: Bundle, alias: str, names: Mapping[str, str]) -> str | None:
        """Registers the bundle's serving graph and returns its number in the registry."""
        return None


@dataclass(frozen=True)
class MlflowTracker(Tracker):
    """The MLflow run that ZenML opened for the step at hand."""

    run_id: str
    url: str | None

    def log_sections(self, sections: Mapping[str, BaseModel]) -> None:
        """Logs each key as a parameter; a step that is tried again changes nothing."""
        flat = {
            f"{name}.{key}": _as_text(value)[:_LONGEST_PARAMETER]
            for name, section in sections.items()
            for key, value in section.model_dump(mode="json").items()
        }
        mlflow_module().log_params(flat)

    def log_metrics(self, metrics: Mapping[str, float | None], epoch: int | None = None) -> None:
        """Logs the numbers there are; a metric that the data cannot support is left out."""
        known = {n: float(v) for n, v in metrics.items() if v is not None and math.isfinite(v)}
        mlflow_module().log_metrics(known, step=epoch)

    def log_code(self, code: CodeVersion) -> None:
        """Logs commit and dirtiness as tags, and the patch as ``code/dirty.patch``."""
        tags = {"git_commit": code.commit or "unknown", "git_is_dirty": str(code.is_dirty)}
        self.log_tags(tags)
        if code.patch:
            self.log_file(PATCH_FILE, code.patch.encode())

    def log_dataset(self, table: AnnotationTable) -> None:
        """Logs the digest as a tag and the dataset as the run's input."""
        from mlflow.data.meta_dataset import MetaDataset
        from mlflow.data.sources import LocalArtifactDatasetSource

        described = {f"dataset_{key}": value for key, value in table.source.items()}
        self.log_tags({"data_digest": table.digest, **described})
        source = LocalArtifactDatasetSource(str(table.root))
        digest = table.digest[:_LONGEST_DIGEST]
        dataset = MetaDataset(source, name=_dataset_name(table), digest=digest)
        mlflow_module().log_input(dataset, context="training")

    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Logs tags."""
        mlflow_module().set_tags(dict(tags))

    def log_file(self, name: str, content: bytes) -> None:
        """Logs a file under its name with forward slashes."""
        from materializers.files import local_folder

        with local_folder() as folder:
            path = folder / Path(name).name
            path.write_bytes(content)
            parent = str(Path(name).parent)
            mlflow_module().log_artifact(str(path), None if parent == "." else parent)

    def register(self, bundle: Bundle, alias: str, names: Mapping[str, str]) -> str | None:
        """Registers the graph once, however often it is called; None without a registry."""
        from steps import model_registry  # goes through this door itself

        return model_registry.register(bundle, alias, names, self.run_id)


def current() -> Tracker:
    """Returns the tracking run of the step at hand, or one that keeps nothing.

    A step calls it first: from then on the end of the step imports no framework for MLflow's sake,
    also where the step fails.
    """
    tracker = Client().active_stack.experiment_tracker
    if tracker is None or tracker.flavor != FLAVOR:
        return Tracker()
    keep_autologging_light(tracker)
    run = mlflow_module().active_run()
    return MlflowTracker(run.info.run_id, _run_url(run.info)) if run else Tracker()


def experiment_name(config: TrackingConfig, model_name: str) -> str:
    """Returns the experiment that a job's tracking runs are in."""
    return config.experiment or model_name


def step_options(config: TrackingConfig, model_name: str) -> dict[str, Any]:
    """Returns what a step that tracks is configured with, by the active stack's own names."""
    tracker = Client().active_stack.experiment_tracker
    if tracker is None:
        return {}
    options: dict[str, Any] = {"experiment_tracker": tracker.name}
    if tracker.flavor == FLAVOR:
        named = {"experiment_name": experiment_name(config, model_name), "tags": dict(config.tags)}
        options["settings"] = {f"experiment_tracker.{FLAVOR}": named}
    return options


def find_url(run_id: str) -> str | None:
    """Returns the page of a tracking run; a local database has none."""
    tracker = Client().active_stack.experiment_tracker
    if tracker is None or tracker.flavor != FLAVOR:
        return None
    uri = tracker.get_tracking_uri()
    if not uri.startswith("http"):
        return None
    tracker.configure_mlflow()
    return _run_url(mlflow_module().get_run(run_id).info)


def read_file(run_id: str, name: str) -> bytes:
    """Returns a file of any tracking run; works outside of steps too.

    Args:
      run_id: the tracking run.
      name: of the file, with forward slashes.

    Raises:
      StackError: the active stack does not track with MLflow, or the tracking run has no such file.
      MlflowException, OSError: the tracker does not answer, or has no such tracking run.
    """
    from materializers.files import local_folder

    stack = Client().active_stack
    tracker = stack.experiment_tracker
    if tracker is None or tracker.flavor != FLAVOR:
        raise StackError(
            f"the stack {stack.name!r} has no MLflow tracker, which keeps {name}; switch to the "
            "stack of the training: zenml stack set NAME"
        )
    tracker.configure_mlflow()
    client = mlflow_module().MlflowClient()
    parent = str(PurePosixPath(name).parent)
    listed = client.list_artifacts(run_id, None if parent == "." else parent)
    if name not in {file.path for file in listed if not file.is_dir}:
        raise StackError(f"the tracking run {run_id} has no file {name}")
    with local_folder() as folder:
        return Path(client.download_artifacts(run_id, name, str(folder))).read_bytes()


def _dataset_name(table: AnnotationTable) -> str:
    """Names a dataset by its folder, and a revision of one as ``folder@revision``."""
    path, revision = table.source.get("path", ""), table.source.get("revision")
    return f"{Path(path).stem}@{revision}" if revision else table.root.name


def _run_url(info: mlflow.entities.RunInfo) -> str | None:
    uri = mlflow_module().get_tracking_uri()
    if not uri.startswith("http"):
        return None
    return f"{uri.rstrip('/')}/#/experiments/{info.experiment_id}/runs/{info.run_id}"


def mlflow_module() -> Any:
    """Returns MLflow, imported now."""
    import mlflow

    return mlflow


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
