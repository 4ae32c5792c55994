"""Removes what is not needed, one thing after another.

Each is judged once more right before, with the lock of its model against promotions and rollbacks.
A folder is renamed first and emptied then, so that a removal that dies leaves nothing half there,
and the next one goes on. A builder removes by itself and without force: it refuses what is in use.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from serving.models.fault import fault_point
from steps.packaging.containers import Tool
from steps.promotion.journal import locked
from steps.upkeep.in_stores import bentoml_home
from steps.upkeep.plan import Plan, Verdict
from steps.upkeep.survey import look_again
from steps.upkeep.thing import ASIDE, Thing
from vision.errors import VisionError

FAULT_POINTS = ("gc-set-aside", "gc-removed")

# A store that copies whole layers takes its time.
_REMOVED_WITHIN_S = 300.0

Outcome = Literal["removed", "left", "failed"]


@dataclass(frozen=True)
class Done:
    """What became of a thing that was to be removed.

    Attributes:
      verdict: what was to be done.
      outcome: ``left`` where it is needed after all, ``failed`` where it could not be removed.
      why: it was not; empty where it was.
    """

    verdict: Verdict
    outcome: Outcome
    why: str = ""


def remove_all(plan: Plan, keep: int) -> Iterator[Done]:
    """Removes what goes, and yields what became of each; one that fails does not stop the rest.

    Args:
      plan: what was found.
      keep: how many of the newest versions of each model stay.
    """
    for verdict in plan.goes:
        yield _remove(verdict, keep)
        fault_point("gc-removed")


def _remove(verdict: Verdict, keep: int) -> Done:
    thing = verdict.thing
    try:
        with ExitStack() as held:
            for model in sorted({model for model, _ in thing.owners or ()}):
                held.enter_context(locked(model, 0.0))
            again = look_again(thing, keep)
            if again.fate != "goes":
                return Done(verdict, "left", again.why)
            if thing.place is not None:
                remove_path(thing.place)
        # A rollback waits for the lock for some seconds only, and a builder may take longer.
        if thing.tool is not None:
            return Done(verdict, *_call(thing.tool, thing))
    except FileNotFoundError:
        pass  # somebody was quicker
    except VisionError as error:
        if isinstance(error.__cause__, TimeoutError):
            return Done(verdict, "left", "its model is being promoted or rolled back")
        return Done(verdict, "failed", str(error))
    except OSError as error:
        return Done(verdict, "failed", error.strerror or str(error))
    return Done(verdict, "removed")


def remove_path(place: Path) -> None:
    """Removes a file or folder; links in it are removed and not followed.

    Raises:
      OSError: it cannot be removed, or a folder above it has become a link.
    """
    if place.parent.resolve() != place.parent or place.is_symlink():
        raise OSError(0, "it has become a link", str(place))
    if not place.is_dir():
        place.unlink()
        return
    if not place.name.startswith(ASIDE):
        aside = _aside(place)
        place.rename(aside)
        fault_point("gc-set-aside")
        place = aside
    shutil.rmtree(place)


def _aside(place: Path) -> Path:
    folder = place.parent
    bentoml = bentoml_home()
    if place.is_relative_to(bentoml / "bentos"):
        # BentoML takes every folder beside a bento for another one.
        folder = bentoml / "tmp"
        folder.mkdir(exist_ok=True)
    return folder / f"{ASIDE}{uuid.uuid4().hex[:8]}-{place.name.lstrip('.')}"


def _call(tool: Tool, thing: Thing) -> tuple[Outcome, str]:
    words = ["rmi"] if thing.kind == "image" else ["rm", "--force", "--volumes"]
    called = tool.try_to(*words, thing.name, timeout_s=_REMOVED_WITHIN_S)
    return ("failed", f"{tool.name}: {called.tail}") if called.code else ("removed", "")
