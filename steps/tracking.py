"""The only door to MLflow.

A stack may have another experiment tracker or none; then everything here does nothing, and the
pipeline runs just the same. MLflow is imported when a tracking run is open and not before.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from zenml.client import Client

from vision.bundles.manifest import GRAPH_FILE
from vision.bundles.model_card import CARD_FILE
from vision.provenance import CodeVersion
from vision.quiet import import_tensorflow

if TYPE_CHECKING:
    import mlflow

    from vision.bundles.build import Bundle
    from vision.config import TrackingConfig
    from vision.datasets.table import AnnotationTable

_FLAVOR = "mlflow"
_LONGEST_PARAMETER = 500
_LONGEST_DIGEST = 36
_LONGEST_DESCRIPTION = 5_000
# The two that this project moves; others are somebody else's.
ALIASES = ("champion", "challenger")


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
        _mlflow().log_params(flat)

    def log_metrics(self, metrics: Mapping[str, float | None], epoch: int | None = None) -> None:
        """Logs the numbers there are; a metric that the data cannot support is left out."""
        known = {n: float(v) for n, v in metrics.items() if v is not None and math.isfinite(v)}
        _mlflow().log_metrics(known, step=epoch)

    def log_code(self, code: CodeVersion) -> None:
        """Logs commit and dirtiness as tags, and the patch as ``code/dirty.patch``."""
        tags = {"git_commit": code.commit or "unknown", "git_is_dirty": str(code.is_dirty)}
        self.log_tags(tags)
        if code.patch:
            self.log_file("code/dirty.patch", code.patch.encode())

    def log_dataset(self, table: AnnotationTable) -> None:
        """Logs the digest as a tag and the dataset as the run's input."""
        from mlflow.data.meta_dataset import MetaDataset
        from mlflow.data.sources import LocalArtifactDatasetSource

        described = {f"dataset_{key}": value for key, value in table.source.items()}
        self.log_tags({"data_digest": table.digest, **described})
        source = LocalArtifactDatasetSource(str(table.root))
        digest = table.digest[:_LONGEST_DIGEST]
        dataset = MetaDataset(source, name=_dataset_name(table), digest=digest)
        _mlflow().log_input(dataset, context="training")

    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Logs tags."""
        _mlflow().set_tags(dict(tags))

    def log_file(self, name: str, content: bytes) -> None:
        """Logs a file under its name with forward slashes."""
        from materializers.files import local_folder

        with local_folder() as folder:
            path = folder / Path(name).name
            path.write_bytes(content)
            parent = str(Path(name).parent)
            _mlflow().log_artifact(str(path), None if parent == "." else parent)

    def register(self, bundle: Bundle, alias: str, names: Mapping[str, str]) -> str | None:
        """Registers the graph once, however often it is called; None without a registry."""
        registry = Client().active_stack.model_registry
        if registry is None or registry.flavor != _FLAVOR:
            return None
        client, name = _mlflow().MlflowClient(), bundle.manifest.name
        number = _find_version(client, name, bundle.manifest.version)
        if number is None:
            source = _log_graph(bundle, names)
            if not client.search_registered_models(f"name = '{name}'"):
                client.create_registered_model(name)
            made = client.create_model_version(
                name, source, self.run_id, tags=dict(names), description=_describe(bundle)
            )
            number = str(made.version)
        client.set_registered_model_alias(name, alias, number)
        return number


def current() -> Tracker:
    """Returns the tracking run of the step at hand, or one that keeps nothing.

    A step calls it first: ZenML switches autologging off at the end of each tracked step, also of
    one that failed, and imports TensorFlow for it; imported here, it comes without its start-up
    lines.
    """
    tracker = Client().active_stack.experiment_tracker
    if tracker is None or tracker.flavor != _FLAVOR:
        return Tracker()
    import_tensorflow()
    run = _mlflow().active_run()
    return MlflowTracker(run.info.run_id, _run_url(run.info)) if run else Tracker()


def step_options(config: TrackingConfig, model_name: str) -> dict[str, Any]:
    """Returns what a step that tracks is configured with, by the active stack's own names."""
    tracker = Client().active_stack.experiment_tracker
    if tracker is None:
        return {}
    options: dict[str, Any] = {"experiment_tracker": tracker.name}
    if tracker.flavor == _FLAVOR:
        named = {"experiment_name": config.experiment or model_name, "tags": dict(config.tags)}
        options["settings"] = {f"experiment_tracker.{_FLAVOR}": named}
    return options


def find_url(run_id: str) -> str | None:
    """Returns the page of a tracking run; a local database has none."""
    tracker = Client().active_stack.experiment_tracker
    if tracker is None or tracker.flavor != _FLAVOR:
        return None
    uri = tracker.get_tracking_uri()
    if not uri.startswith("http"):
        return None
    tracker.configure_mlflow()
    return _run_url(_mlflow().get_run(run_id).info)


def read_aliases(model: str) -> dict[str, str] | None:
    """Returns which versions of a model have the project's aliases; works outside of steps too.

    Args:
      model: the model's name.

    Returns:
      alias to bundle version, without the aliases that none has; None where the active stack has
      no registry of MLflow, or the registry no such model.

    Raises:
      MlflowException, OSError: the registry does not answer.
    """
    client = _registry()
    if client is None or not client.search_registered_models(f"name = '{model}'"):
        return None
    found = client.get_registered_model(model).aliases
    numbers = {alias: found[alias] for alias in ALIASES if alias in found}
    tags = {alias: client.get_model_version(model, n).tags for alias, n in numbers.items()}
    return {alias: tags[alias]["model_version"] for alias in numbers}


def write_aliases(model: str, wanted: Mapping[str, str]) -> None:
    """Gives the project's aliases to these versions and to no others; twice is no error.

    An alias that is not wanted is removed, as is that of a version which the registry does not
    know: it was registered with another stack.

    Args:
      model: the model's name, one for which :func:`read_aliases` returns something.
      wanted: alias to bundle version.

    Raises:
      MlflowException, OSError: the registry does not answer.
    """
    client = _registry()
    assert client is not None
    for alias in ALIASES:
        number = _find_version(client, model, wanted[alias]) if alias in wanted else None
        if number is not None:
            client.set_registered_model_alias(model, alias, number)
        elif alias in client.get_registered_model(model).aliases:
            client.delete_registered_model_alias(model, alias)


def _registry() -> mlflow.MlflowClient | None:
    """Returns the registry of the active stack; None where that has none of MLflow."""
    stack = Client().active_stack
    registry, tracker = stack.model_registry, stack.experiment_tracker
    flavors = {component.flavor for component in (registry, tracker) if component is not None}
    if registry is None or tracker is None or flavors != {_FLAVOR}:
        return None
    tracker.configure_mlflow()
    client: mlflow.MlflowClient = _mlflow().MlflowClient()
    return client


def _dataset_name(table: AnnotationTable) -> str:
    """Names a dataset by its folder, and a revision of one as ``folder@revision``."""
    path, revision = table.source.get("path", ""), table.source.get("revision")
    return f"{Path(path).stem}@{revision}" if revision else table.root.name


def _run_url(info: mlflow.entities.RunInfo) -> str | None:
    uri = _mlflow().get_tracking_uri()
    if not uri.startswith("http"):
        return None
    return f"{uri.rstrip('/')}/#/experiments/{info.experiment_id}/runs/{info.run_id}"


def _describe(bundle: Bundle) -> str | None:
    """Returns the model card, cut where the registry's database would refuse it."""
    path = bundle.folder / CARD_FILE
    if not path.exists():
        return None
    card = path.read_text(encoding="utf-8")
    return card if len(card) <= _LONGEST_DESCRIPTION else f"{card[: _LONGEST_DESCRIPTION - 1]}…"


def _find_version(client: mlflow.MlflowClient, name: str, version: str) -> str | None:
    found = client.search_model_versions(f"name = '{name}' and tags.model_version = '{version}'")
    return str(found[0].version) if found else None


def _log_graph(bundle: Bundle, names: Mapping[str, str]) -> str:
    """Logs the serving graph as an MLflow model and returns its URI."""
    import mlflow.onnx
    import onnx
    from mlflow.models import ModelSignature

    graph = onnx.load(bundle.folder / GRAPH_FILE)
    versions = bundle.manifest.versions
    logged = mlflow.onnx.log_model(
        graph,
        name="model",
        signature=ModelSignature(_schema(graph.graph.input), _schema(graph.graph.output)),
        # Given, because finding them out would take MLflow 12 to 21 s.
        pip_requirements=[f"onnxruntime=={versions.onnxruntime}", f"numpy=={versions.numpy}"],
        metadata=dict(names),
    )
    return str(logged.model_uri)


def _schema(values: Any) -> Any:
    import onnx
    from mlflow.types import Schema, TensorSpec

    specs = []
    for value in values:
        tensor = value.type.tensor_type
        shape = [axis.dim_value if axis.HasField("dim_value") else -1 for axis in tensor.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        specs.append(TensorSpec(dtype, tuple(shape), value.name))
    return Schema(specs)


def _mlflow() -> Any:
    import mlflow

    return mlflow


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
