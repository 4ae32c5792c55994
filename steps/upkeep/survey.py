"""Looks at everything that may not be needed any more, and says what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from steps.packaging.bento import NAME
from steps.packaging.containers import Tool
from steps.upkeep.in_home import find_images as find_archives
from steps.upkeep.in_home import find_roll_outs
from steps.upkeep.in_stores import (
    bentoml_home,
    builders,
    find_bentos,
    find_containers,
    find_images,
)
from steps.upkeep.left_over import (
    FOLDERS,
    find_in_home,
    find_offline,
    find_temporary,
    find_unfinished_bentos,
    output_folders,
)
from steps.upkeep.plan import Plan, Verdict, judge, make_plan
from steps.upkeep.staying import find_staying
from steps.upkeep.thing import Found, Thing, UnsureError, look_at
from steps.upkeep.users import User, find_users
from steps.upkeep.versions import find_known, home_root


def survey(keep: int, tools: Callable[[], Iterable[Tool]] = builders) -> Plan:
    """Looks at home, stores and temporary folders; changes nothing.

    Args:
      keep: how many of the newest versions of each model stay.
      tools: the builders that are here.
    """
    root = home_root()
    known = find_known(root)
    staying = find_staying(root, known, keep)
    looked = _Look()
    bentoml = bentoml_home()
    looked.take(find_archives(root, known))
    looked.take(find_roll_outs(root, known, staying))
    looked.take(find_bentos(bentoml, known))
    for tool in tools():
        looked.keep(find_images(tool, root, known))
        looked.keep(find_containers(tool))
    for name in FOLDERS:
        looked.take(find_in_home(root, name))
    looked.take(find_temporary({model for model, _ in known.versions}))
    looked.take(find_unfinished_bentos(bentoml))
    for folder in sorted(output_folders(root)):
        looked.take(find_offline(folder))
    return make_plan(looked.things.values(), staying, time.time(), dict.fromkeys(looked.problems))


def look_again(thing: Thing, keep: int) -> Verdict:
    """Judges a thing anew, as it is now and with what is written down now.

    Raises:
      OSError: it has gone, or cannot be read.
    """
    root = home_root()
    staying = find_staying(root, find_known(root), keep)
    if thing.place is not None:
        thing = look_at(Found(thing.kind, thing.place, thing.owners), thing.user)
    return judge(thing, staying, time.time())


@dataclass
class _Look:
    """What was found; one place that cannot be looked at does not stop the others."""

    user: User = field(default_factory=find_users)
    things: dict[str, Thing] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def take(self, found: Iterator[Found]) -> None:
        """Measures files and folders."""
        self.keep(self._look(each) for each in self._each(found))

    def keep(self, found: Iterable[Thing | None]) -> None:
        """Notes what was found, once."""
        for thing in self._each(iter(found)):
            if thing is not None:
                self.things.setdefault(thing.name, thing)

    def _look(self, found: Found) -> Thing | None:
        names = (f"{NAME}:{found.place.name}",) if found.kind == "bento" else ()
        try:
            return look_at(found, self.user(found.place, *names))
        except FileNotFoundError:
            return None  # it has gone meanwhile
        except OSError as error:
            self.problems.append(f"{found.place} cannot be read ({error.strerror})")
            return None

    def _each(self, found: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from found
        except UnsureError as error:
            self.problems.append(str(error))
        except OSError as error:
            self.problems.append(f"{error.filename} cannot be read ({error.strerror})")
