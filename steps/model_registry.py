"""MLflow's model registry: the versions of a model and their aliases.

A stack may have another registry or none; then nothing is registered, and the pipeline runs just
the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zenml.client import Client

from serving.log.interrupted import let_go_when_interrupted
from steps.tracking import FLAVOR, mlflow_module
from vision.bundles.manifest import GRAPH_FILE
from vision.bundles.model_card import CARD_FILE

if TYPE_CHECKING:
    from vision.bundles.build import Bundle

# The two that this project moves; others are somebody else's.
ALIASES = ("champion", "challenger")
_LONGEST_DESCRIPTION = 5_000


def register(bundle: Bundle, alias: str, names: Mapping[str, str], run_id: str) -> str | None:
    """Registers the bundle's serving graph once, however often it is called.

    Args:
      bundle: the version.
      alias: that it gets.
      names: under which it is known elsewhere; they become tags of the version.
      run_id: the tracking run that the graph is logged into.

    Returns:
      its number in the registry; None on a stack without one.

    Raises:
      MlflowException, OSError: the registry does not answer.
    """
    registry = Client().active_stack.model_registry
    if registry is None or registry.flavor != FLAVOR:
        return None
    client, name = mlflow_module().MlflowClient(), bundle.manifest.name
    number = _find_version(client, name, bundle.manifest.version)
    if number is None:
        source = _log_graph(bundle, names)
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name)
        made = client.create_model_version(
            name, source, run_id, tags=dict(names), description=_describe(bundle)
        )
        number = str(made.version)
    client.set_registered_model_alias(name, alias, number)
    return number


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


def _registry() -> Any | None:
    """Returns the registry of the active stack; None where that has none of MLflow."""
    let_go_when_interrupted()  # else what a promotion wants to undo would find locked databases
    stack = Client().active_stack
    registry, tracker = stack.model_registry, stack.experiment_tracker
    flavors = {component.flavor for component in (registry, tracker) if component is not None}
    if registry is None or tracker is None or flavors != {FLAVOR}:
        return None
    tracker.configure_mlflow()
    return mlflow_module().MlflowClient()


def _describe(bundle: Bundle) -> str | None:
    """Returns the model card, cut where the registry's database would refuse it."""
    path = bundle.folder / CARD_FILE
    if not path.exists():
        return None
    card = path.read_text(encoding="utf-8")
    return card if len(card) <= _LONGEST_DESCRIPTION else f"{card[: _LONGEST_DESCRIPTION - 1]}…"


def _find_version(client: Any, name: str, version: str) -> str | None:
    found = client.search_model_versions(f"name = '{name}' and tags.model_version = '{version}'")
    return str(found[0].version) if found else None


def _log_graph(bundle: Bundle, names: Mapping[str, str]) -> str:
    """Logs the serving graph as an MLflow model and returns its URI."""
    import onnx

    mlflow = mlflow_module()
    graph = onnx.load(bundle.folder / GRAPH_FILE)
    inputs, outputs = _schema(graph.graph.input), _schema(graph.graph.output)
    versions = bundle.manifest.versions
    logged = mlflow.onnx.log_model(
        graph,
        name="model",
        signature=mlflow.models.ModelSignature(inputs, outputs),
        # Given, because finding them out would take MLflow 12 to 21 s.
        pip_requirements=[f"onnxruntime=={versions.onnxruntime}", f"numpy=={versions.numpy}"],
        metadata=dict(names),
    )
    return str(logged.model_uri)


def _schema(values: Any) -> Any:
    import onnx

    types = mlflow_module().types
    specs = []
    for value in values:
        tensor = value.type.tensor_type
        shape = [axis.dim_value if axis.HasField("dim_value") else -1 for axis in tensor.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        specs.append(types.TensorSpec(dtype, tuple(shape), value.name))
    return types.Schema(specs)
