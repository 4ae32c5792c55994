"""Links into the cache of a DVC workspace are followed, all others that lead outside are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus import class_folders, encode, picture
from tests.vision.datasets.reading import listed, load
from vision.datasets.bounds import Bounds, bounds_of
from vision.validation.thumbnails import thumbnails_from

pytestmark = [pytest.mark.usefixtures("home"), pytest.mark.security]

OBJECT = "files/md5/ab/" + 30 * "c"


def make_workspace(place: Path, config: str = "", local: str | None = None) -> Path:
    """Writes what DVC keeps in a workspace, and returns a folder of images in it."""
    (place / ".dvc").mkdir(parents=True)
    (place / ".dvc" / "config").write_text(config)
    if local is not None:
        (place / ".dvc" / "config.local").write_text(local)
    return class_folders(place / "data", n_per_class=3)


@pytest.mark.parametrize(
    ("config", "local", "cache"),
    [
        ("", None, ".dvc/cache"),
        (
            "['remote \"store\"']\n    url = s3://b/%(x)s\n[core]\n    remote = store\n",
            None,
            ".dvc/cache",
        ),
        ("[cache]\n    dir = ../../shared\n    type = symlink\n", None, "../shared"),
        ("[cache]\n    dir = elsewhere\n", "[cache]\ndir = /mnt/cache\n", "/mnt/cache"),
        ('[cache]\n    dir = "/mnt/a b"\n', None, "/mnt/a b"),
    ],
)
def test_the_cache_is_where_the_workspace_says(
    tmp_path: Path, config: str, local: str | None, cache: str
) -> None:
    root = make_workspace(tmp_path / "repository", config, local)
    expected = (tmp_path / "repository" / cache).resolve()
    assert bounds_of(root) == Bounds(root, expected)
    assert bounds_of(root / "cat") == Bounds(root / "cat", expected)


def test_without_a_workspace_or_with_a_broken_one_there_is_no_cache(tmp_path: Path) -> None:
    assert bounds_of(tmp_path) == Bounds(tmp_path)
    root = make_workspace(tmp_path / "repository", "no section\n")
    assert bounds_of(root) == Bounds(root)


@pytest.mark.parametrize("name", [OBJECT, OBJECT.removeprefix("files/md5/")])
def test_links_to_objects_of_the_cache_are_images(tmp_path: Path, name: str) -> None:
    root = make_workspace(tmp_path / "repository")
    file = tmp_path / "repository" / ".dvc" / "cache" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(encode(picture(77), "PNG"))
    (root / "cat" / "linked.png").symlink_to(file)
    table = load(root)
    assert listed(table) == {}
    assert "cat/linked.png" in set(table.frame["path"])
    assert thumbnails_from(root)("cat/linked.png") is not None
    (root / "t.csv").write_text("path,label\ncat/linked.png,a\ndog/00.png,b\n")
    assert len(load(root / "t.csv", "table")) == 2


def test_a_dataset_cannot_name_a_cache_to_have_other_files_opened(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", n_per_class=3)
    (root / ".dvc").mkdir()
    (root / ".dvc" / "config").write_text(f"[cache]\ndir = {tmp_path}\n")
    (tmp_path / "secret.png").write_bytes(encode(picture(9), "PNG"))
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "secret.png").write_bytes(encode(picture(10), "PNG"))
    (root / "cat" / "one.png").symlink_to(tmp_path / "secret.png")
    (root / "cat" / "two.png").symlink_to(tmp_path / "ab" / "secret.png")
    table = load(root)
    assert listed(table)["refused_links"] == ("cat/one.png", "cat/two.png")
    assert thumbnails_from(root)("cat/one.png") is None
