"""Makes an environment that has a bento's packages and nothing else, and keeps it for next time.

It is ``home()/environments/<digest of the lock and the Python>``. uv makes it beside its place, and
a rename puts it there, so whatever is found there was complete. One whose files are no longer
those that were installed is made anew. The few used last are kept; 0.7 GB each, though uv links
files from its cache where it can.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from serving.models.fault import fault_point
from steps.packaging.containers import Called, PackagingError, call
from vision.home import folder

FOLDER = "environments"
KEPT = 3

_NOTE = "environment.json"
_STAGE = ".stage-"
_ASIDE = ".aside-"
_MADE_WITHIN_S = 900.0
# Longer than any that is still being made.
_LEFT_OVER_S = 2 * _MADE_WITHIN_S


@dataclass(frozen=True)
class Environment:
    """An environment of Python.

    Attributes:
      folder: where it lies.
      n_packages: distributions in it.
      was_made: whether it was made now; else it was there.
    """

    folder: Path
    n_packages: int
    was_made: bool

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"


def make_environment(requirements: Path) -> Environment:
    """Makes the environment of a list of locked packages, or finds it.

    Args:
      requirements: every package with version and hashes, as ``bento/env/python`` has it.

    Raises:
      PackagingError: uv is not there, or packages cannot be had or are not those of the lock.
    """
    root = folder(FOLDER)
    place = root / _key(requirements)
    was_made = not is_intact(place)
    if was_made:
        _sweep(root, time.time() - _LEFT_OVER_S)
        _make(requirements, place)
    os.utime(place)
    _forget_old(root, place)
    return Environment(
        place, len(list(place.glob("lib/python*/site-packages/*.dist-info"))), was_made
    )


def is_intact(place: Path) -> bool:
    """Tells whether an environment has the files that were installed, by name and size."""
    try:
        noted = json.loads((place / _NOTE).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    # The interpreter is a link to one of this machine, which may have gone.
    started = call([str(place / "bin" / "python"), "-I", "-c", ""], 30.0)
    return started.code == 0 and bool(noted == _listing(place))


def read_lock(requirements: Path) -> str:
    """Returns the locked packages, without pins that another line has with its hashes.

    BentoML adds such a line for itself, which pip understands and uv refuses.
    """
    text = requirements.read_text(encoding="utf-8").replace("\\\n", " ")
    pins = {line.split("--hash", 1)[0].strip() for line in text.splitlines() if "--hash" in line}
    return "".join(f"{line}\n" for line in text.splitlines() if line.strip() not in pins)


def _make(requirements: Path, place: Path) -> None:
    stage = Path(tempfile.mkdtemp(prefix=_STAGE, dir=place.parent))
    try:
        _install(requirements, stage)
        note = json.dumps({"files": _listing(stage), "requirements": requirements.name})
        (stage / _NOTE).write_text(note + "\n", encoding="utf-8")
        stage.chmod(0o755)
        fault_point("environment-staged")
        _put(stage, place)
        fault_point("environment-made")
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _install(requirements: Path, stage: Path) -> None:
    uv = _find_uv()
    made = call(
        [uv, "venv", "--quiet", "--clear", "--relocatable", "--python", sys.executable, str(stage)],
        _MADE_WITHIN_S,
        _variables(),
    )
    if made.code:
        raise PackagingError(f"uv could not make an environment:\n{made.tail}")
    with tempfile.TemporaryDirectory(prefix="visionstack-lock-") as name:
        lock = Path(name) / "requirements.txt"
        lock.write_text(read_lock(requirements), encoding="utf-8")
        words = [uv, "pip", "install", "--quiet", "--python", str(stage / "bin" / "python")]
        words += ["--require-hashes", "--no-deps", "--compile-bytecode", "-r", str(lock)]
        # What was fetched before is enough as a rule, and then no index is asked.
        installed = call([*words, "--offline"], _MADE_WITHIN_S, _variables())
        if installed.code:
            installed = call(words, _MADE_WITHIN_S, _variables())
    if installed.code:
        raise PackagingError(_cannot(requirements, installed))


def _cannot(requirements: Path, called: Called) -> str:
    return (
        f"the packages of {requirements} cannot be installed:\n{called.tail}\n"
        "they come from uv's cache (UV_CACHE_DIR) or from Python's package index: connect this "
        "machine once, or name a mirror in UV_INDEX_URL or a folder of wheels in UV_FIND_LINKS"
    )


def _put(stage: Path, place: Path) -> None:
    """Renames a complete environment into its place; a damaged one goes, an intact one stays."""
    try:
        stage.rename(place)
        return
    except OSError:
        # Somebody else was quicker, or a damaged one is in the way.
        if is_intact(place):
            return
    aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=place.parent))
    try:
        place.rename(aside / "damaged")
        stage.rename(place)
    except OSError as error:
        if not is_intact(place):
            raise PackagingError(
                f"{place} cannot be replaced ({error.strerror}); remove it by hand"
            ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _forget_old(root: Path, used: Path) -> None:
    """Removes all but the environments that were used last; ``used`` always stays."""
    found = [path for path in root.iterdir() if not path.name.startswith(".") and path != used]
    found.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in found[KEPT - 1 :]:
        shutil.rmtree(path, ignore_errors=True)


def _sweep(root: Path, before: float) -> None:
    """Removes what processes that were killed have left."""
    for path in root.glob(".*"):
        if path.name.startswith((_STAGE, _ASIDE)) and path.stat().st_mtime < before:
            shutil.rmtree(path, ignore_errors=True)


def _key(requirements: Path) -> str:
    try:
        content = requirements.read_bytes()
    except OSError as error:
        raise PackagingError(
            f"{requirements} cannot be read ({error.strerror}); build the bento again"
        ) from error
    python = f"{platform.python_implementation()} {platform.python_version()} {platform.machine()}"
    return hashlib.sha256(content + python.encode()).hexdigest()[:16]


def _listing(place: Path) -> str:
    """Returns a digest of the names and sizes of all files, without compiled ones and the note."""
    digest = hashlib.sha256()
    for name, n_bytes in sorted(_walk(place, "")):
        digest.update(f"{name}\0{n_bytes}\n".encode())
    return digest.hexdigest()


def _walk(place: Path, above: str) -> Iterator[tuple[str, int]]:
    with os.scandir(place) as entries:
        for entry in entries:
            name = above + entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    yield from _walk(Path(entry.path), f"{name}/")
            elif name != _NOTE:
                yield name, entry.stat(follow_symlinks=False).st_size


def _variables() -> dict[str, str]:
    # uv would take the environment that runs this for the one to install into.
    return {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}


def _find_uv() -> str:
    beside = str(Path(sys.executable).parent)
    found = shutil.which("uv", path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    if found is None:
        raise PackagingError(
            "uv is not installed, and makes the environment that the bento is tried in; "
            "run `make setup`, or `pip install uv`"
        )
    return found
