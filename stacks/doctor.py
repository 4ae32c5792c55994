"""Looks at this machine and says what is ready, and which command mends what is not.

Every check is a function that returns one line's worth of facts and changes nothing. The order is
the order in which things are mended: Python and packages first, the model last.
"""

from __future__ import annotations

import re
import shutil
import socket
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from stacks.gpu import visible_gpus
from stacks.server import check_server
from vision.errors import BundleError, StackError
from vision.home import home, repository

PYTHONS = ((3, 11), (3, 12))
KEY_PACKAGES = (
    "zenml", "tensorflow", "keras", "numpy", "pandas", "scikit-learn", "mlflow", "bentoml",
    "deepchecks", "alibi-detect", "imgaug", "dvc", "onnxruntime", "opencv-python-headless",
)  # fmt: skip
LEAST_FREE_BYTES = 5 * 2**30
PORTS = (
    (3000, "the service", ("bentoml",), "bentoml serve --port 3001"),
    (8237, "the dashboard", ("zenml",), "zenml login --local --port 8238"),
)
_SETUP = "make setup"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class Check:
    """What was looked at and how it stands.

    Attributes:
      name: what was looked at.
      ok: whether nothing needs to be done.
      detail: what was found.
      remedy: the command that mends it; empty where there is nothing to mend, or where the detail
        names the command.
    """

    name: str
    ok: bool
    detail: str
    remedy: str = ""

    @property
    def line(self) -> str:
        """The check for a person: ``ok   name: detail`` or ``MEND name: detail → command``."""
        if self.ok:
            return f"ok   {self.name}: {self.detail}"
        return f"MEND {self.name}: {self.detail}" + (f" → {self.remedy}" if self.remedy else "")


def examine() -> list[Check]:
    """Returns every check of this machine; takes a few seconds, most of them importing ZenML."""
    return [
        check_python(sys.version_info[:3]),
        check_packages(repository() / "requirements" / "dev.txt"),
        check_disk(home()),
        *(check_port(*port) for port in PORTS),
        check_gpu(),
        *check_zenml(),
        check_champion(),
    ]


def check_python(found: tuple[int, ...]) -> Check:
    """Checks that the interpreter is one that the locked packages install on."""
    text = ".".join(str(part) for part in found)
    wanted = " or ".join(f"{major}.{minor}" for major, minor in PYTHONS)
    if tuple(found[:2]) in PYTHONS:
        return Check("Python", True, text)
    remedy = "rm -rf .venv && make setup PYTHON=python3.11"
    return Check("Python", False, f"{text}, needs {wanted}", remedy)


def check_packages(lock: Path) -> Check:
    """Checks the versions of the packages that the project leans on against the lock."""
    if not lock.is_file():
        return Check("packages", False, f"{lock} is missing", "make lock")
    pins = {name.lower(): pin for name, pin in _PIN.findall(lock.read_text(encoding="utf-8"))}
    faults = [
        f"{name} is {found or 'missing'}, locked {pins[name]}"
        for name in KEY_PACKAGES
        if name in pins and (found := _installed(name)) != pins[name]
    ]
    if _installed("opencv-python"):
        faults.append("opencv-python overwrites the headless OpenCV")
    if faults:
        return Check("packages", False, "; ".join(faults), _SETUP)
    checked = [name for name in KEY_PACKAGES if name in pins]
    return Check("packages", True, f"{len(checked)} of {len(pins)} locked, all as locked")


def check_disk(folder: Path) -> Check:
    """Checks the space left where the project writes."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    detail = f"{free / 2**30:.1f} GiB free in {there}"
    if free >= LEAST_FREE_BYTES:
        return Check("disk", True, detail)
    wanted = f"{LEAST_FREE_BYTES / 2**30:.0f} GiB"
    return Check("disk", False, f"{detail}, needs {wanted}", "make clean")


def check_port(port: int, what: str, ours: tuple[str, ...], remedy: str) -> Check:
    """Checks that a port is free, or used by what it is meant for."""
    name = f"port {port}"
    with socket.socket() as probe:
        probe.settimeout(1.0)
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            return Check(name, True, f"free for {what}")
    user = _listener(port)
    if any(word in user for word in ours):
        return Check(name, True, f"{what} is running ({user})")
    return Check(name, False, f"wanted by {what}, used by {user}", remedy)


def check_gpu() -> Check:
    """Says which GPU is there; that a stack needs one is judged with the active stack."""
    gpus = visible_gpus()
    return Check("GPU", True, ", ".join(gpus) or "none visible; the CPU is used")


def check_zenml() -> list[Check]:
    """Checks that ZenML is set up here, and the stacks with it."""
    if not (repository() / ".zen").is_dir():
        return [Check("ZenML", False, f"not initialised in {repository()}", _SETUP)]
    found = _installed("zenml")
    if found is None:
        return [Check("ZenML", False, "not installed", _SETUP)]
    try:
        check_server()
    except StackError as error:
        return [Check("ZenML", False, str(error))]
    return [Check("ZenML", True, f"initialised, {found}"), check_active_stack(), check_stacks()]


def check_active_stack() -> Check:
    """Checks that pipelines can run on the active stack here."""
    from zenml.client import Client

    from stacks import readiness

    name = Client(repository()).active_stack_model.name
    try:
        readiness.check_active_stack()
    except StackError as error:
        return Check("active stack", False, str(error))
    return Check("active stack", True, f"{name}, ready")


def check_stacks() -> Check:
    """Checks that the registered stacks say what their files say."""
    from stacks import registry

    remedy = "python run.py stacks apply"
    try:
        changes = registry.diff()
    except StackError as error:
        return Check("stacks", False, str(error), remedy)
    if not changes:
        waiting = ", ".join(change.name for change in registry.waiting())
        more = f"; still without secrets: {waiting}" if waiting else ""
        return Check("stacks", True, f"registered as in stacks/{more}")
    more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
    return Check("stacks", False, f"{changes[0].sentence}{more}", remedy)


def check_champion() -> Check:
    """Says which model the service would load; that there is none yet is no fault."""
    from vision.bundles.champion import newest_champion

    remedy = "python run.py --config configs/train.yaml"
    try:
        champion = newest_champion()
    except BundleError as error:
        return Check("champion", False, str(error), remedy)
    if champion is None:
        return Check("champion", True, f"none yet; {remedy} makes the first")
    return Check("champion", True, f"{champion.name} {champion.version}")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _listener(port: int) -> str:
    """Returns the command line, shortened, and process id of whoever listens on a port."""
    import psutil

    try:
        owner = next(
            (
                connection.pid
                for connection in psutil.net_connections("tcp")
                if connection.status == psutil.CONN_LISTEN
                and connection.laddr.port == port
                and connection.pid
            ),
            None,
        )
        if owner is not None:
            command = " ".join(psutil.Process(owner).cmdline())[:80]
            return f"{command}, process {owner}"
    except psutil.Error:
        pass  # another user's process does not tell; the port is used all the same
    return "a process of another user"
