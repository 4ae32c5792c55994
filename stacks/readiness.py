"""Whether a pipeline can run on a stack here, asked before anything is started."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec

from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.integrations.registry import integration_registry
from zenml.models import ComponentResponse, StackResponse
from zenml.stack.flavor import Flavor
from zenml.utils.secret_utils import is_secret_reference, parse_secret_reference

from stacks import registry
from stacks.changes import is_ours
from stacks.checking import missing_secrets, secret_commands
from stacks.comparison import find_stack
from stacks.components import other_clone
from stacks.gpu import visible_gpus
from stacks.reading import read_definitions
from vision.config.nearest import did_you_mean
from vision.errors import StackError

NEEDS_GPU = "VISIONSTACK_REQUIRE_GPU"


def check_active_stack(
    stack_name: str | None = None, needs: Sequence[str] = ("data_validator",)
) -> None:
    """Checks that a stack is registered and that everything it is made of can be used here.

    Args:
      stack_name: the stack; None for the active one.
      needs: the component types that the pipeline cannot do without.

    Raises:
      StackError: one sentence with what is wrong and the command that mends it.
    """
    stack = _registered(stack_name)
    for kind in needs:
        if not stack.components.get(StackComponentType(kind)):
            raise StackError(
                f"stack {stack.name!r} has no {kind}, which this pipeline needs; "
                "add one, or switch to a stack that has one: zenml stack set local"
            )
    _check_clone(stack)
    for component in _components(stack):
        _check_secrets(stack, component)
        _check_packages(stack, component)
    environment = active_environment(stack)
    if environment.get(NEEDS_GPU) == "1" and not _is_remote(stack) and not visible_gpus():
        raise StackError(
            f"stack {stack.name!r} needs a GPU and none is visible here; check nvidia-smi and "
            "CUDA_VISIBLE_DEVICES, or run on the CPU: zenml stack set local"
        )


def active_environment(stack: StackResponse | None = None) -> dict[str, str]:
    """Returns the variables that a stack (by default the active one) sets for every step."""
    stack = stack or Client().active_stack_model
    environment: dict[str, str] = {}
    for component in _components(stack):
        environment.update(component.environment)
    return {**environment, **stack.environment}


def _registered(name: str | None) -> StackResponse:
    if name is None:
        return Client().active_stack_model
    if stack := find_stack(name):
        return stack
    for change in registry.waiting():
        if change.name == name:
            raise StackError(f"{change.kind} {change.name!r} is not registered: it {change.detail}")
    if name in {definition.stack_name for definition in read_definitions()}:
        raise StackError(
            f"stack {name!r} is not registered here; register it: python run.py stacks apply {name}"
        )
    known = sorted(stack.name for stack in Client().list_stacks(size=1000))
    raise StackError(
        f"there is no stack {name!r} (python run.py stacks list shows all); "
        f"{did_you_mean(name, known)}"
    )


def _components(stack: StackResponse) -> Iterator[ComponentResponse]:
    for components in stack.components.values():
        yield from components


def _check_clone(stack: StackResponse) -> None:
    """Refuses a stack of ours that was registered from another clone and keeps its state there."""
    for definition in read_definitions():
        if definition.stack_name != stack.name or not is_ours(stack.labels):
            continue
        for other in filter(None, map(other_clone, definition.parts())):
            raise StackError(
                f"stack {stack.name!r} points into another clone: {other}; "
                f"point it here: python run.py stacks apply {stack.name}"
            )


def _check_secrets(stack: StackResponse, component: ComponentResponse) -> None:
    references = [
        parse_secret_reference(value)
        for value in component.configuration.values()
        if is_secret_reference(value)
    ]
    needed: dict[str, tuple[str, ...]] = {}
    for reference in references:
        needed[reference.name] = (*needed.get(reference.name, ()), reference.key)
    if missing := missing_secrets(needed):
        raise StackError(
            f"stack {stack.name!r} cannot run: its {component.type.value} {component.name!r} needs "
            f"the secret {', '.join(missing)}; supply it: {secret_commands(missing)}"
        )


def _check_packages(stack: StackResponse, component: ComponentResponse) -> None:
    try:
        implementation = Flavor.from_model(component.flavor).implementation_class
    except ImportError as error:
        raise StackError(
            f"stack {stack.name!r} cannot run here: its {component.type.value} {component.name!r} "
            f"(flavor {component.flavor_name}) cannot be loaded: {error}; "
            f"{_package_command(component.integration)}"
        ) from error
    # Our flavors import what they are about only when they run; see stacks.flavors.
    for package in getattr(implementation, "PACKAGES", ()):
        if find_spec(package) is None:
            raise StackError(
                f"stack {stack.name!r} cannot run here: its {component.type.value} "
                f"{component.name!r} (flavor {component.flavor_name}) needs the package {package}, "
                "which is not installed; install it: make setup, or switch to the stack that does "
                "without it: zenml stack set ci"
            )


def _package_command(integration: str | None) -> str:
    if integration not in integration_registry.integrations:
        return "register the flavor again: python run.py stacks apply"
    packages = integration_registry.integrations[integration].get_requirements()
    quoted = " ".join(f"'{package}'" for package in packages)
    return f"install what it needs: .venv/bin/uv pip install {quoted}"


def _is_remote(stack: StackResponse) -> bool:
    [orchestrator] = stack.components[StackComponentType.ORCHESTRATOR]
    settings = Flavor.from_model(orchestrator.flavor).config_class
    return bool(settings(**orchestrator.configuration).is_remote)
