"""Objects that DVC's cache or remote lost or damaged, and what brings them back."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.dvc_repositories import (
    Workspace,
    flip_bit,
)
from tests.steps.revisions.resolving import refused, resolve

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def pushed_list(workspace: Workspace, revision: str = "v1") -> Path:
    """Returns the remote's list of the files of a revision."""
    name = workspace.git("show", f"{revision}:images.dvc").split("md5: ")[1].split()[0]
    return workspace.store / "files" / "md5" / name[:2] / name[2:]


@pytest.mark.fault
def test_damaged_entry_of_the_cache_is_fetched_from_the_remote(workspace: Workspace) -> None:
    good = (workspace.root / "images" / "cat" / "03.png").read_bytes()
    entry = workspace.entry("images/cat/03.png")
    flip_bit(entry)
    damaged = entry.read_bytes()
    assert (resolve(workspace, "v1").folder / "cat" / "03.png").read_bytes() == good
    assert entry.read_bytes() == damaged


@pytest.mark.fault
def test_every_flipped_bit_is_named_where_no_remote_has_the_file(workspace: Workspace) -> None:
    names = [f"{kind}/{number:02d}.png" for kind in ("cat", "dog") for number in range(0, 12, 3)]
    entries = [workspace.entry(f"images/{name}") for name in names]
    pushed = [workspace.pushed(f"images/{name}") for name in names]
    for path in entries:
        flip_bit(path)
    for path in pushed:
        path.unlink()
    why = "damaged in DVC's cache and missing in the remote"
    shown = "; ".join(f"{name} ({why})" for name in names[:5])
    where = f"{workspace.root} at {workspace.git('rev-parse', '--short=8', 'v1')}"
    assert refused(workspace) == (
        f"8 of 24 files of {where} cannot be had: {shown}; and 3 more. Run dvc push to store "
        f"{workspace.store} where the files are whole, then try again. Where dvc push finds "
        f"nothing to do, first remove {pushed_list(workspace)}."
    )
    assert not list(workspace.root.parent.glob("home/datasets/dvc/*/images"))


@pytest.mark.fault
def test_damaged_remote_is_not_served(workspace: Workspace) -> None:
    pushed = workspace.pushed("images/dog/01.png")
    pushed.chmod(0o644)
    pushed.write_bytes(pushed.read_bytes()[:100])
    shutil.rmtree(workspace.root / ".dvc" / "cache")
    why = "missing in DVC's cache and damaged in the remote"
    assert f"1 of 24 files of {workspace.root}" in (message := refused(workspace))
    assert message.endswith(
        f"cannot be had: dog/01.png ({why}). Remove {pushed} and {pushed_list(workspace)} from the "
        f"remote, which dvc push leaves alone, and run dvc push to store {workspace.store} where "
        "the files are whole, then try again."
    )


@pytest.mark.fault
@pytest.mark.parametrize("damage", ["damaged", "missing"])
def test_the_next_move_brings_a_lost_object_back(workspace: Workspace, damage: str) -> None:
    workspace.git("reset", "--quiet", "--hard", "v2")
    workspace.push()  # as it was done on the machine whose DVC believes its own index
    pushed = workspace.pushed("images/dog/01.png")
    flip_bit(pushed)
    entry = workspace.entry("images/dog/01.png")
    entry.rename(kept := entry.with_suffix(".kept"))
    if damage == "missing":
        pushed.unlink()
    named = re.findall(r"/\S+/store/files/\S+(?=[ .])", message := refused(workspace, "v2"))
    assert damage in message
    kept.rename(entry)
    workspace.push()
    assert damage in _state(pushed, entry), "dvc push alone does not help"
    for path in named:
        Path(path).unlink()
    workspace.push()
    assert _state(pushed, entry) == "whole"


def _state(path: Path, good: Path) -> str:
    if not path.exists():
        return "missing"
    return "whole" if path.read_bytes() == good.read_bytes() else "damaged"
