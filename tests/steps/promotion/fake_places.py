"""Places that keep what they hold in a file, so that it outlives a process that dies."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from serving.models.fault import fault_point
from steps.promotion.journal import PLACES, State

MODEL = "shapes"


@dataclass
class FakePlace:
    """Knows the champion and the challenger of one model.

    Attributes:
      name: of the place.
      folder: where its file is.
      fails_on: ``look``, ``move`` or ``restore``: these raise.
      calls: what it was asked for.
    """

    name: str
    folder: Path
    fails_on: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)

    @property
    def held(self) -> State:
        path = self.folder / f"{self.name}.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def hold(self, state: State) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f"{self.name}.draft"
        draft.write_text(json.dumps(state))
        draft.replace(self.folder / f"{self.name}.json")

    def look(self, model: str, to: str) -> State:
        self._call("look", to)
        return self.held

    def move(self, model: str, to: str, former: str | None) -> None:
        self._call("move", to)
        fault_point(f"{self.name}-moving")
        others = {alias: version for alias, version in self.held.items() if version != to}
        self.hold({**others, "champion": to})

    def restore(self, model: str, before: State) -> None:
        self._call("restore", before.get("champion", ""))
        fault_point(f"{self.name}-restoring")
        self.hold(before)

    def _call(self, what: str, version: str) -> None:
        self.calls.append(f"{what} {version}".strip())
        if what in self.fails_on:
            raise ConnectionError(f"{self.name} does not answer")


def make_places(folder: Path) -> tuple[FakePlace, FakePlace]:
    """Returns an alias and a stage."""
    alias, stage = (FakePlace(name, folder) for name in PLACES)
    return alias, stage
