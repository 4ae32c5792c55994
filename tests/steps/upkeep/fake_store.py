"""Stands for docker, podman or buildah: its images and containers are lines of files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_SCRIPT = """#!/bin/sh
cd "{folder}" || exit 1
printf '%s\\n' "$*" >> calls
for last; do :; done
case "$1" in
  version|info|buildx) echo 4.3.1 ;;
  images) [ -f broken ] && {{ echo "the store is locked" >&2; exit 125; }}; /bin/cat images ;;
  inspect) /bin/cat "says-$last" ;;
  ps)
    case "$*" in
      *ancestor=*) for word; do case "$word" in ancestor=*) id=${{word#ancestor=}} ;; esac; done
        [ -f "users-$id" ] && /bin/cat "users-$id"; exit 0 ;;
      *) /bin/cat containers ;;
    esac ;;
  rmi|rm)
    [ -f refuses ] && {{ echo "Error: image is in use" >&2; exit 2; }}
    printf '%s\\n' "$last" >> removed ;;
esac
"""


@dataclass(frozen=True)
class FakeStore:
    """A builder that is on the path.

    Attributes:
      folder: where its files are.
    """

    folder: Path

    @classmethod
    def write(cls, programs: Path, name: str = "podman") -> FakeStore:
        """Writes the program."""
        folder = programs.parent / f"store-of-{name}"
        folder.mkdir()
        for file in ("images", "containers", "removed", "calls"):
            (folder / file).touch()
        program = programs / name
        program.write_text(_SCRIPT.format(folder=folder))
        program.chmod(0o755)
        return cls(folder)

    def add_image(self, image: str, reference: str, model: str, version: str) -> None:
        self._add("images", f"sha256:{image}   {reference}")
        (self.folder / f"says-{image}").write_text(f"{model} {version}\n")

    def add_user(self, image: str, container: str) -> None:
        (self.folder / f"users-{image}").write_text(f"{container}\n")

    def add_container(self, name: str, hours: float, *environment: str) -> None:
        self._add("containers", name)
        made = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
        # docker says nanoseconds, and podman the zone of the machine.
        said = {"made": made.replace("+00:00", "123Z"), "env": ["A=b", *environment]}
        (self.folder / f"says-{name}").write_text(json.dumps(said))

    def note(self, what: str) -> None:
        """Lets it be ``broken``, or refuse every removal (``refuses``)."""
        (self.folder / what).touch()

    def lines(self, of: str) -> list[str]:
        """Returns what was ``removed``, or its ``calls``."""
        return (self.folder / of).read_text().splitlines()

    def _add(self, file: str, line: str) -> None:
        with (self.folder / file).open("a") as lines:
            lines.write(f"{line}\n")
