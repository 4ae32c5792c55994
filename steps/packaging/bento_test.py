"""Serves a bento in an environment that has only its packages, and asks it what its bundle knows.

The server runs on a free port of loopback, from a copy of the bento, with an empty home, without
any variable of whoever starts the test, and asks for a key. What it does wrong is a problem in the
:class:`~vision.packages.BentoTest`; only what is not the bento's fault is raised.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from serving.models.fault import fault_point
from steps.packaging.bento_server import Command, PortTaken, Server, free_port, running_server
from steps.packaging.containers import PackagingError
from steps.packaging.environment import make_environment
from steps.packaging.image import REQUIREMENTS
from steps.packaging.probing import answer_problems, ask_bad_images, ask_golden_images
from vision.bundles.files import verify_files
from vision.bundles.manifest import read_manifest
from vision.packages import BentoTest, BuiltBento

_ANSWERS_WITHIN_S = 30.0
_PORTS_TRIED = 3


@dataclass(frozen=True)
class Limits:
    """How long the server may take, in seconds.

    Attributes:
      ready_s: to answer ``/readyz`` with 200.
      stop_s: to end after SIGTERM.
    """

    ready_s: float = 120.0
    stop_s: float = 30.0


def try_bento(built: BuiltBento, bundle: Path, limits: Limits | None = None) -> BentoTest:
    """Tries a bento with a bundle; the environment is made or found, the server is gone afterwards.

    Args:
      built: the bento.
      bundle: what it answers with; its golden images are asked.
      limits: how long it may take.

    Raises:
      PackagingError: its packages cannot be had.
      BundleError: the bundle is not what its manifest says.
    """
    manifest = read_manifest(bundle)
    verify_files(bundle, manifest)
    environment = make_environment(built.folder / REQUIREMENTS)

    def command(port: int, folder: Path) -> Sequence[str]:
        copy = folder / "bento"
        shutil.copytree(built.folder, copy, ignore=shutil.ignore_patterns("__pycache__"))
        serve = ["-m", "bentoml", "serve", str(copy), "--host", "127.0.0.1", "--port", str(port)]
        return [str(environment.python), *serve]

    found = try_server(command, bundle, limits or Limits(), _variables(environment.folder, bundle))
    return BentoTest(
        tag=built.tag,
        model=f"{manifest.name}:{manifest.version}",
        n_packages=environment.n_packages,
        **found,
    )


def try_server(
    command: Command,
    bundle: Path,
    limits: Limits,
    variables: Mapping[str, str],
    choose_port: Callable[[], int] = free_port,
) -> dict[str, Any]:
    """Starts a server, asks it, ends it; returns fields of a BentoTest.

    A port can be taken between being chosen and being used, so another one is tried then.
    """
    found: dict[str, Any] = {}
    for _ in range(_PORTS_TRIED):
        with running_server(command, choose_port(), variables) as server:
            found, problems, was_taken = _examine(server, bundle, limits)
            if problems:
                found |= {"problems": tuple(problems), "output": server.output()}
        if not was_taken:
            break
    return found


def _examine(
    server: Server, bundle: Path, limits: Limits
) -> tuple[dict[str, Any], list[str], bool]:
    found: dict[str, Any] = {}
    problems: list[str] = []
    try:
        found["cold_start_s"] = server.wait_until_ready(limits.ready_s)
        fault_point("bento-ready")
        _ask(server, bundle, found, problems)
    except PortTaken as error:
        return found, [str(error)], True
    except PackagingError as error:
        problems.append(str(error))
    except httpx.HTTPError as error:
        problems.append(f"the server did not answer: {error!r}")
    except (ValueError, KeyError, TypeError) as error:
        problems.append(f"the server's answer is not one of this project: {error!r}")
    started = time.monotonic()
    code = server.process.poll()
    if code is None:
        code = server.stop(limits.stop_s)
        found["stop_s"] = time.monotonic() - started
        problems += _stop_problems(code, limits.stop_s)
    elif "cold_start_s" in found:
        problems.append(f"the server ended with {code} while it was asked")
    found["exit_code"] = code
    if code is not None and (left := server.left_over()):
        problems.append(f"{len(left)} of its processes lived on after it had ended")
    return found, problems, False


def _ask(server: Server, bundle: Path, found: dict[str, Any], problems: list[str]) -> None:
    n_golden, difference, tolerance = ask_golden_images(server, bundle)
    found |= {"n_golden": n_golden, "golden_difference": difference}
    problems += answer_problems(difference, tolerance, {})
    found["bad_images"] = ask_bad_images(server)
    problems += answer_problems(0.0, tolerance, found["bad_images"])
    found["n_series"] = _count_series(server)
    if not found["n_series"]:
        problems.append("/metrics has no series of the service")
    found["memory_bytes"] = server.memory_bytes()


def _count_series(server: Server) -> int:
    response = httpx.get(
        f"{server.address}/metrics",
        headers={"Authorization": f"Bearer {server.key}"},
        timeout=_ANSWERS_WITHIN_S,
        trust_env=False,
    )
    if response.status_code != 200:
        return 0
    return sum(line.startswith("visionstack_") for line in response.text.splitlines())


def _stop_problems(code: int | None, within_s: float) -> list[str]:
    if code is None:
        return [f"after SIGTERM the server had not ended within {within_s:g} s"]
    return [f"after SIGTERM the server ended with {code}, not 0"] if code else []


def _variables(environment: Path, bundle: Path) -> dict[str, str]:
    return {
        "PATH": os.pathsep.join([str(environment / "bin"), os.defpath]),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "BENTOML_DO_NOT_TRACK": "True",
        "VISIONSTACK_BUNDLE": str(bundle.resolve()),
    }
