"""Healing: a bit is flipped wherever a file of a revision lies, and is found and mended."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from steps.revisions import heal, resolve_revision
from steps.revisions.heal_report import BadFile, HealReport
from tests.corpus import class_folders
from tests.dvc_repositories import (
    Workspace,
    flip_bit,
    make_workspace,
)
from vision.errors import DatasetError

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.fault]


def where(workspace: Workspace) -> str:
    return f"{workspace.root} at {workspace.git('rev-parse', '--short=8', 'v1')} in 'images'"


def silently(path: Path) -> None:
    """Flips a bit as a failing disk does: length and times stay."""
    info = path.stat()
    flip_bit(path)
    path.chmod(info.st_mode)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def test_whole_revision_says_so(workspace: Workspace) -> None:
    resolve_revision(workspace.section("v1"))
    report = heal(workspace.section("v1"))
    assert (report.is_whole, report.bad, report.n_files) == (True, (), 24)
    assert report.summary == f"All 24 files of {where(workspace)} are whole."


def test_revision_that_is_not_here_yet_is_fetched(workspace: Workspace) -> None:
    report = heal(workspace.section("v1"))
    assert report.summary == f"All 24 files of {where(workspace)} are whole."
    shutil.rmtree(workspace.store)
    shutil.rmtree(workspace.root / ".dvc" / "cache")
    assert resolve_revision(workspace.section("v1")).n_files == 24


def test_every_silent_flip_is_found_and_mended(workspace: Workspace) -> None:
    resolved = resolve_revision(workspace.section("v1"))
    names = [f"{kind}/{number:02d}.png" for kind in ("cat", "dog") for number in range(12)]
    good = {name: (workspace.root / "images" / name).read_bytes() for name in names}
    for name in names:
        silently(resolved.folder / name)
        silently(workspace.entry(f"images/{name}"))
    # Nothing that looks at lengths and times can see it.
    assert resolve_revision(workspace.section("v1"), verify=False) == resolved
    report = heal(workspace.section("v1"))
    expected = {BadFile(n, w, True) for n in names for w in ("revision folder", "DVC cache")}
    # The folder's files are links to the store's, so these were damaged too.
    expected |= {BadFile(n, "object store", True) for n in names}
    assert set(report.bad) == expected
    assert report.is_whole
    for name in names:
        assert (resolved.folder / name).read_bytes() == good[name]
        assert workspace.entry(f"images/{name}").read_bytes() == good[name]
    assert heal(workspace.section("v1")).bad == ()


def test_other_revisions_that_shared_a_damaged_file_are_healed_too(workspace: Workspace) -> None:
    first, second = (resolve_revision(workspace.section(tag)) for tag in ("v1", "v2"))
    cats = resolve_revision(workspace.section("v2", subfolder="images/cat"))
    names = ("cat/03.png", "dog/04.png")
    good = {name: (first.folder / name).read_bytes() for name in names}
    for name in names:
        silently(first.folder / name)
        assert (second.folder / name).read_bytes() != good[name], "they are one file"
    report = heal(workspace.section("v1"))
    v2 = workspace.git("rev-parse", "--short=8", "v2")
    in_images, in_cats = f"revision {v2} in 'images'", f"revision {v2} in 'images/cat'"
    assert set(report.others) == {
        BadFile("cat/03.png", in_images, True),
        BadFile("dog/04.png", in_images, True),
        BadFile("03.png", in_cats, True),
    }
    assert report.summary.splitlines()[-2:] == [
        f"{in_images} shared 2 damaged files; healed there too",
        f"{in_cats} shared 1 damaged file; healed there too",
    ]
    for name in names:
        assert (second.folder / name).read_bytes() == good[name]
    assert (cats.folder / "03.png").read_bytes() == good["cat/03.png"]
    assert resolve_revision(workspace.section("v2"), verify=False) == second
    assert heal(workspace.section("v2")).bad == ()


def test_other_revisions_are_named_where_nothing_can_be_mended(workspace: Workspace) -> None:
    first, second = (resolve_revision(workspace.section(tag)) for tag in ("v1", "v2"))
    silently(first.folder / "dog" / "03.png")
    workspace.entry("images/dog/03.png").unlink()
    workspace.pushed("images/dog/03.png").unlink()
    report = heal(workspace.section("v1"))
    v2 = workspace.git("rev-parse", "--short=8", "v2")
    why = "missing in DVC's cache and missing in the remote"
    assert report.others == (BadFile("dog/03.png", f"revision {v2} in 'images'", False, why),)
    assert report.summary.splitlines()[-1] == (
        f"revision {v2} in 'images' shared 1 damaged file; some still are damaged"
    )
    with pytest.raises(DatasetError, match=r"1 of 25 files .* dog/03\.png"):
        resolve_revision(workspace.section("v2"), verify=False)
    assert second.folder.is_dir()


def test_store_and_folder_mend_each_other_without_dvc(workspace: Workspace, home: Path) -> None:
    resolved = resolve_revision(workspace.section("v1"))
    good = (resolved.folder / "cat" / "00.png").read_bytes()
    # A copy of its own, as where hard links fail.
    (resolved.folder / "cat" / "00.png").unlink()
    (resolved.folder / "cat" / "00.png").write_bytes(good)
    entry = workspace.entry("images/cat/00.png")
    stored = home / "datasets" / "objects" / entry.parent.name / entry.name
    silently(stored)
    shutil.rmtree(workspace.store)
    silently(entry)
    report = heal(workspace.section("v1"))
    assert report.bad == (
        BadFile("cat/00.png", "object store", True),
        BadFile("cat/00.png", "DVC cache", True),
    )
    assert stored.read_bytes() == entry.read_bytes() == good


def test_workspace_file_that_is_a_link_to_a_damaged_entry_keeps_its_bytes(
    workspace: Workspace,
) -> None:
    image = workspace.root / "images" / "cat" / "07.png"
    good = image.read_bytes()
    entry = workspace.entry("images/cat/07.png")
    # With cache.type hardlink an edit in the workspace reaches into the cache.
    image.unlink()
    os.link(entry, image)
    flip_bit(image)
    edited = image.read_bytes()
    report = heal(workspace.section("v1"))
    assert report.bad == (BadFile("cat/07.png", "DVC cache", True),)
    assert image.read_bytes() == edited != good
    assert entry.read_bytes() == good
    assert not list(entry.parent.glob("*.tmp"))


def test_absent_entries_of_the_cache_stay_absent(workspace: Workspace) -> None:
    entry = workspace.entry("images/cat/07.png")
    entry.unlink()
    assert heal(workspace.section("v1")).bad == ()
    assert not entry.exists()


def test_damaged_list_of_files_is_mended(workspace: Workspace) -> None:
    dir_hash = workspace.git("show", "v1:images.dvc").split("md5: ")[1].split()[0]
    entry = workspace.cached(dir_hash)
    good = entry.read_bytes()
    flip_bit(entry)
    report = heal(workspace.section("v1"))
    assert report.bad == (BadFile("images (the list of its files)", "DVC cache", True),)
    assert entry.read_bytes() == good


def test_what_cannot_be_mended_is_reported_with_the_reason(workspace: Workspace) -> None:
    resolved = resolve_revision(workspace.section("v1"))
    name = "dog/03.png"
    silently(workspace.entry(f"images/{name}"))
    silently(resolved.folder / name)
    silently(workspace.pushed(f"images/{name}"))
    why = "damaged in DVC's cache and damaged in the remote"
    report = heal(workspace.section("v1"))
    assert set(report.bad) == {
        BadFile(name, place, False, why)
        for place in ("revision folder", "object store", "DVC cache")
    }
    assert not report.is_whole
    lines = report.summary.splitlines()
    assert lines[0] == (
        f"1 of 24 files of {where(workspace)} were damaged or missing; 1 still are."
    )
    assert lines[1] == f"  dog/03.png (revision folder): {why}"
    # From now on it is not served either.
    with pytest.raises(DatasetError, match=r"1 of 24 files .* dog/03\.png"):
        resolve_revision(workspace.section("v1"))
    workspace.pushed(f"images/{name}").write_bytes((workspace.root / "images" / name).read_bytes())
    assert heal(workspace.section("v1")).is_whole
    assert resolve_revision(workspace.section("v1")) == resolved


def test_what_needs_no_remote_is_mended_while_it_is_down(tmp_path: Path, home: Path) -> None:
    workspace = make_workspace(tmp_path / "dvc", remote="ssh://127.0.0.1:1/store")
    class_folders(workspace.root / "images", 3)
    workspace.add("images")
    workspace.commit("v1")
    resolved = resolve_revision(workspace.section("v1"))
    flip_bit(resolved.folder / "cat" / "00.png")
    flip_bit(resolved.folder / "dog" / "00.png")
    workspace.entry("images/cat/00.png").unlink()
    report = heal(workspace.section("v1"))
    assert {each.path: each.healed for each in report.bad} == {
        "cat/00.png": False,
        "dog/00.png": True,
    }
    (why,) = {each.why for each in report.bad if each.path == "cat/00.png"}
    assert why.startswith(
        "missing in DVC's cache and The DVC remote store ssh://127.0.0.1:1/store cannot be reached"
    )


def test_summary_names_at_most_twenty() -> None:
    bad = tuple(BadFile(f"{n:02d}.png", "object store", n % 2 == 0, "lost") for n in range(30))
    lines = HealReport("v1", 100, bad).summary.splitlines()
    assert lines[0] == "30 of 100 files of v1 were damaged or missing; 15 still are."
    assert lines[1] == "  01.png (object store): lost"
    assert lines[16] == "  00.png (object store): healed"
    assert (len(lines), lines[-1]) == (22, "  and 10 more")
