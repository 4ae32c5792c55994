"""What a model's drift check will see, after how many images, and what it will not.

The file ``drift/power.json`` of a bundle: for each kind and severity of change and each number of
changed images the share of windows in which the check found drift. Row ``clean``, severity 0, is
images that nothing was done to: its share is that of false alarms.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from vision.bundles.part import read_part

POWER_FILE = "drift/power.json"
CLEAN = "clean"
# Of the windows; what is found less often is no promise.
SURE = 0.99

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Part(BaseModel):
    """A frozen, closed part of the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PowerEntry(_Part):
    """How often one change is found in one number of images.

    Attributes:
      kind: ``clean`` or one of :data:`vision.drift.corruptions.SCENARIOS`.
      severity: 1 to 3; 0 for ``clean``.
      size: newest images that the check had, all of them changed.
      n_windows: windows that were drawn.
      share: of the windows, in which the whole check found drift.
      by_view: the same for each view alone.
    """

    kind: str
    severity: Annotated[int, Field(ge=0, le=3)]
    size: Annotated[int, Field(ge=1)]
    n_windows: Annotated[int, Field(ge=1)]
    share: Share
    by_view: dict[str, Share]


class Harm(_Part):
    """What a change does to the images and to the model's answers.

    Attributes:
      changed: share of images of which a pixel changed.
      accuracy: share of right answers; None where nobody can say what is right.
    """

    kind: str
    severity: Annotated[int, Field(ge=0, le=3)]
    changed: Share
    accuracy: Share | None


class PowerTable(_Part):
    """What will be seen.

    Attributes:
      split: where the images are from; ``test`` ones were in no reference set.
      n_images: how many of them were changed and drawn from.
      sizes: numbers of images that were tried; the check may know larger ones, which there were
        too few images for. Fewer were where one class comes more often and has too few images.
      not_tried: sizes of the check that were tried for no change.
      views: what is watched.
      every_n: images after which the service checks again.
      alarm_rate: wanted share of checks with a false alarm.
      seed: of every draw.
    """

    schema_version: Literal[1] = 1
    split: Literal["test", "validation"]
    n_images: Annotated[int, Field(ge=1)]
    sizes: tuple[int, ...]
    not_tried: tuple[int, ...]
    views: tuple[str, ...]
    every_n: Annotated[int, Field(ge=1)]
    alarm_rate: Share
    seed: int
    entries: tuple[PowerEntry, ...]
    harms: tuple[Harm, ...]

    @property
    def changes(self) -> tuple[tuple[str, int], ...]:
        """Every kind and severity, ``clean`` first."""
        return tuple((harm.kind, harm.severity) for harm in self.harms)

    def entry(self, kind: str, severity: int, size: int) -> PowerEntry:
        """Returns a cell of the table.

        Raises:
          KeyError: it has no such cell.
        """
        for entry in self.entries:
            if (entry.kind, entry.severity, entry.size) == (kind, severity, size):
                return entry
        raise KeyError(f"no entry for {kind}, severity {severity}, {size} images")

    def sizes_of(self, kind: str, severity: int) -> tuple[int, ...]:
        """Returns the numbers of images that a change was tried with, rising; there may be none."""
        tried = {
            each.size for each in self.entries if (each.kind, each.severity) == (kind, severity)
        }
        return tuple(size for size in self.sizes if size in tried)

    def harm(self, kind: str, severity: int) -> Harm:
        """Returns what a change does.

        Raises:
          KeyError: it was not tried.
        """
        for harm in self.harms:
            if (harm.kind, harm.severity) == (kind, severity):
                return harm
        raise KeyError(f"no entry for {kind}, severity {severity}")

    def promise(self, kind: str, severity: int) -> int | None:
        """Returns after how many changed images the change is found in nearly every window.

        The service checks every ``every_n`` images, so it says so at the latest that many images
        later. None: no number that was tried is enough.

        Raises:
          KeyError: the change was not tried.
        """
        self.harm(kind, severity)
        sizes = self.sizes_of(kind, severity)
        found = (size for size in sizes if self.entry(kind, severity, size).share >= SURE)
        return next(found, None)

    def seen_by(self, kind: str, severity: int) -> tuple[str, ...]:
        """Returns the views that each alone find the change in as many images as promised.

        Empty where nothing is promised, and where only several views together keep the promise.
        """
        size = self.promise(kind, severity)
        if size is None:
            return ()
        shares = self.entry(kind, severity, size).by_view
        return tuple(view for view in self.views if shares[view] >= SURE)


def write_power(bundle: Path, table: PowerTable) -> Path:
    """Writes the table into a bundle and returns its path; the manifest is the caller's to seal."""
    path = bundle / POWER_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(table.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return path


def read_power(bundle: Path) -> PowerTable:
    """Reads the table of a bundle.

    Raises:
      BundleError: the bundle has none, or not one that this version understands.
    """
    return read_part(
        bundle / POWER_FILE,
        PowerTable,
        absent=(
            f"{bundle} has no {POWER_FILE}: it was made with drift.n_power_images: 0, or before "
            "there were such tables; make a new bundle"
        ),
        otherwise="is no power table",
    )
