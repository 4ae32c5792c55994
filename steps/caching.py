"""When a step may be taken from the cache: same inputs by content, same parameters, same code.

ZenML's own key counts the step's function but none of the code that it calls. Here the code of a
step is its module and every module of the core that it imports, directly or not, as the source
says; so a change in the core runs exactly the steps again that use it.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

from zenml.config.cache_policy import CachePolicy

from vision.home import repository

# Materializers and tracking decide how a result is kept and shown, not what it is.
_COUNTED = ("vision", "stacks")


def by_content(step_module: str) -> CachePolicy:
    """Returns the policy of a step whose module defines ``code = code_of(__name__)``."""
    return CachePolicy(
        include_step_code=True,
        include_step_parameters=True,
        include_artifact_values=True,
        # Where an artifact has no content hash, only the very same version counts.
        include_artifact_ids=True,
        cache_func=f"{step_module}.code",
    )


def code_of(step_module: str, *uses: str) -> partial[str]:
    """Returns a function without arguments that gives the digest of a step's code.

    Args:
      step_module: the step's ``__name__``.
      uses: modules whose code counts although the step does not import them, or none of theirs
        would; a package stands for all of its modules.
    """
    return partial(code_digest, step_module, *uses)


def code_digest(*modules: str) -> str:
    """Hashes the source of ``modules`` and of all core modules that they import."""
    digest = hashlib.sha256()
    named = [inner for module in modules for inner in _modules_in(module)]
    for name in sorted(imported_by(*named)):
        path = _file_of(name)
        if path is not None:
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _modules_in(module: str) -> list[str]:
    """Returns a module, of a package also those in it."""
    folder = repository().joinpath(*module.split("."))
    return [module, *(f"{module}.{file.stem}" for file in folder.glob("[!_]*.py"))]


def imported_by(*modules: str) -> set[str]:
    """Returns ``modules`` and every core module they import, also inside functions."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = _file_of(name)
        if path is None or name in found:
            continue
        found.add(name)
        waiting.extend(_imports(path, path.stat().st_mtime_ns))
    return found


@cache
def _imports(path: Path, _modified_ns: int) -> tuple[str, ...]:
    return tuple(_counted_names(ast.parse(path.read_bytes())))


def _counted_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # ``from a.b import c``: c may be a module or a name; only files that exist count.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            if parts[0] in _COUNTED:
                yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _file_of(module: str) -> Path | None:
    path = repository().joinpath(*module.split("."))
    for file in (path.with_name(path.name + ".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None
