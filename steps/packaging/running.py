"""A container of the service image, started with everything taken away that it does not need."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from steps.packaging.containers import Tool

STATE = "/var/lib/visionstack"
N_PROCESSES = 256
MEMORY_MB = 1024

_STARTED_WITHIN_S = 120.0
_LOOK = "docs/deployment.md: it says what a container needs"
_TRIED = ["/", "/etc", "/opt/visionstack", STATE, "/tmp"]  # noqa: S108 - in the container
# One program, because a container without a shell would have no other; it prints JSON.
_QUESTION = f"""
import json, os, pathlib
def read(*paths):
    for path in paths:
        try:
            return pathlib.Path(path).read_text().strip()
        except OSError:
            pass
def writes(path):
    try:
        with open(os.path.join(path, "written"), "w") as file:
            file.write("x")
        os.remove(file.name)
        return True
    except OSError:
        return False
group = "/sys/fs/cgroup/"
print(json.dumps({{
    "status": read("/proc/1/status"),
    "n_processes": read(group + "pids.max", group + "pids/pids.max"),
    "memory": read(group + "memory.max", group + "memory/memory.limit_in_bytes"),
    "writable": [path for path in {_TRIED} if writes(path)],
}}))
"""


@dataclass(frozen=True)
class Confinement:
    """How the service's process is held, as the kernel shows it.

    Attributes:
      uid: its user.
      capabilities: its effective and bounding capabilities, as numbers; 0 is none.
      no_new_privileges: whether it can never gain any.
      seccomp: whether its system calls are filtered.
      n_processes: the most that its control group allows; None where that cannot be seen.
      memory_bytes: the most that its control group allows; None where that cannot be seen.
      writable: folders that it can write to, of those that were tried.
    """

    uid: int
    capabilities: int
    no_new_privileges: bool
    seccomp: bool
    n_processes: int | None
    memory_bytes: int | None
    writable: tuple[str, ...]

    def problems(self) -> list[str]:
        """Returns what is not as it must be; a limit that cannot be seen is none."""
        problems = []
        if self.uid == 0:
            problems.append("the service runs as root")
        if self.capabilities:
            problems.append(f"the service has capabilities: {self.capabilities:#x}")
        if not self.no_new_privileges:
            problems.append("the service could gain privileges: no-new-privileges is not in force")
        if set(self.writable) != {STATE, "/tmp"}:  # noqa: S108 - a path in the container
            problems.append(
                f"the service must be able to write to {STATE} and /tmp, and nowhere else; it can "
                f"write to {', '.join(self.writable) or 'nothing'}"
            )
        return problems

    def not_checked(self) -> tuple[str, ...]:
        """Returns the limits that are not in force or cannot be seen on this machine."""
        missing = []
        if not self.seccomp:
            missing.append("system calls are not filtered (seccomp)")
        if self.n_processes != N_PROCESSES:
            missing.append("the limit of processes cannot be seen")
        if self.memory_bytes != MEMORY_MB * 2**20:
            missing.append("the limit of memory cannot be seen")
        return tuple(missing)


@dataclass(frozen=True)
class RunningImage:
    """A container that was started.

    Attributes:
      tool: what runs it.
      name: of the container.
      address: of the service, ``http://127.0.0.1:PORT``.
      key: that its routes ask for.
      started: when it was asked to start, in seconds of the monotonic clock.
    """

    tool: Tool
    name: str
    address: str
    key: str
    started: float

    def log(self) -> str:
        """Returns the end of what the service wrote."""
        called = self.tool.try_to("logs", "--tail", "30", self.name)
        return (called.output + called.errors).strip()

    def is_running(self) -> bool:
        """Tells whether its process is alive."""
        called = self.tool.try_to("inspect", "--format", "{{.State.Running}}", self.name)
        return called.output.strip() == "true"

    def memory_bytes(self) -> int | None:
        """Returns what it takes now; None where the runtime does not say."""
        called = self.tool.try_to("stats", "--no-stream", "--format", "{{.MemUsage}}", self.name)
        return parse_size(called.output.partition("/")[0])

    def confinement(self) -> Confinement:
        """Asks the kernel, from inside, how the service's process is held."""
        answer = self.tool.do(
            "exec", self.name, "python3", "-c", _QUESTION, next_move=f"see {_LOOK}"
        )
        return read_confinement(answer)

    def stop(self, within_s: float) -> int:
        """Sends SIGTERM, waits, and returns the exit status; 137 is one that had to be killed."""
        self.tool.do(
            "stop",
            "--time",
            str(int(within_s)),
            self.name,
            next_move=f"see {_LOOK}",
            timeout_s=within_s + 30.0,
        )
        code = self.tool.do(
            "inspect", "--format", "{{.State.ExitCode}}", self.name, next_move=f"see {_LOOK}"
        )
        return int(code)


@contextmanager
def running_image(tool: Tool, tag: str) -> Iterator[RunningImage]:
    """Starts a container inside the block and removes it afterwards, whatever happens.

    It shares the machine's network and listens on loopback, so that no bridge is needed.

    Raises:
      PackagingError: it cannot be started.
    """
    port, key = _free_port(), secrets.token_hex(16)
    name = f"visionstack-test-{port}"
    started = time.monotonic()
    try:
        tool.do(
            *run_words(name, tag, port),
            next_move=f"see {_LOOK}",
            timeout_s=_STARTED_WITHIN_S,
            # Not among the arguments, which every user of the machine can read.
            environment={**os.environ, "VISIONSTACK_API_KEY": key},
        )
        yield RunningImage(tool, name, f"http://127.0.0.1:{port}", key, started)
    finally:
        # One that could not be started is left behind as well.
        tool.try_to("rm", "--force", "--volumes", name)


def why_none_starts(tool: Tool, base: str) -> str:
    """Returns why not even the base can be started here as the service is; empty if it can.

    What keeps every container from starting is this machine's fault, and not an image's.

    Args:
      tool: what starts it.
      base: an image with Python that is in its store.
    """
    words = run_words(f"visionstack-base-{secrets.token_hex(4)}", base, 0)
    words = ["--rm" if word == "--detach" else word for word in words]
    called = tool.try_to(*words, "python3", "-c", "", timeout_s=_STARTED_WITHIN_S)
    return called.tail.splitlines()[-1] if called.code and called.tail else ""


def run_words(name: str, tag: str, port: int) -> list[str]:
    """Returns the words after the runner's name."""
    return [
        "run", "--detach", "--name", name, "--network", "host", "--pull", "never",
        "--read-only", "--tmpfs", "/tmp:rw,mode=1777",  # noqa: S108 - a path in the container
        "--tmpfs", f"{STATE}:rw,mode=1777",
        "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
        "--pids-limit", str(N_PROCESSES), "--memory", f"{MEMORY_MB}m",
        "--env", "VISIONSTACK_API_KEY", "--env", "VISIONSTACK_REQUIRE_KEYS=yes",
        "--env", "BENTOML_HOST=127.0.0.1", "--env", f"BENTOML_PORT={port}",
        tag,
    ]  # fmt: skip


def read_confinement(answer: str) -> Confinement:
    """Reads what the question in the container has printed."""
    found = json.loads(answer)
    status = dict(re.findall(r"^(\w+):\s*(\S+)", found["status"], re.MULTILINE))
    return Confinement(
        uid=int(status["Uid"]),
        capabilities=int(status["CapEff"], 16) | int(status["CapBnd"], 16),
        no_new_privileges=status.get("NoNewPrivs") == "1",
        seccomp=status.get("Seccomp") == "2",
        n_processes=_limit(found["n_processes"]),
        memory_bytes=_limit(found["memory"]),
        writable=tuple(found["writable"]),
    )


def parse_size(text: str) -> int | None:
    """Reads ``247.5MB`` or ``236MiB``; None for anything else."""
    found = re.fullmatch(r"\s*([0-9.]+)\s*([kKMGT]?)(i?)B\s*", text)
    if found is None:
        return None
    power: int = " KMGT".index(found[2].upper() or " ")
    return int(float(found[1]) * (1024.0 if found[3] else 1000.0) ** power)


def _limit(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
