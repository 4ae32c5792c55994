"""Folders of images: which files count, which are refused, and which splits they are in."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.corpus import class_folders, encode, picture, write_images
from tests.vision.datasets.reading import listed, load
from vision.errors import DatasetError

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize("name", ["validation", "valid", "val", "Val"])
def test_splits_on_disk_are_kept(tmp_path: Path, name: str) -> None:
    for number, split in enumerate(("train", name, "test")):
        class_folders(tmp_path / "data" / split, n_per_class=4, seed=100 * number)
    table = load(tmp_path / "data")
    by_folder = table.frame["path"].str.split("/").str[0]
    assert set(zip(by_folder, table.frame["split"], strict=True)) == {
        ("train", "train"),
        (name, "validation"),
        ("test", "test"),
    }


def test_dangerous_files_are_refused(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    secret = tmp_path / "secret.png"
    secret.write_bytes(encode(picture(), "PNG"))
    os.mkfifo(root / "cat" / "pipe.png")
    (root / "cat" / "escape.png").symlink_to(secret)
    (root / "cat" / "broken.png").symlink_to(tmp_path / "nowhere.png")
    (root / "dog" / "inside.png").symlink_to(root / "cat" / "00.png")
    (root / "dog" / "loop").symlink_to(root)
    table = load(root)
    assert listed(table) == {
        "refused_links": ("cat/broken.png", "cat/escape.png", "dog/loop"),
        "special_files": ("cat/pipe.png",),
    }
    assert "dog/inside.png" in set(table.frame["path"])


def test_what_is_not_in_a_class_folder_is_named(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    (root / "README.md").write_text("about")
    class_folders(root / "dog" / "more", n_per_class=1, classes=("deep",))
    assert listed(load(root)) == {
        "nested_folders": ("dog/more",),
        "outside_classes": ("README.md",),
    }


def test_names_that_clash_are_told_and_kept(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    names = ("caf\u00e9.png", "cafe\u0301.png", "A.png", "a.png")
    for number, name in enumerate(names):
        (root / "cat" / name).write_bytes(encode(picture(50 + number), "PNG"))
    table = load(root)
    assert listed(table) == {"name_clashes": ("cat/a.png", "cat/caf\u00e9.png")}
    assert len(table) == 28


def test_name_that_is_not_unicode_is_named(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    with open(os.fsencode(root / "cat") + b"/\xff.png", "wb") as file:  # noqa: PTH123
        file.write(encode(picture(9), "PNG"))
    assert listed(load(root)) == {"unreadable_files": ("cat/\\xff.png",)}


def test_held_out_splits_without_training_are_refused(tmp_path: Path) -> None:
    class_folders(tmp_path / "data" / "test")
    with pytest.raises(DatasetError, match="has the splits test but no train"):
        load(tmp_path / "data")


def test_links_that_lead_to_themselves_are_refused(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    (root / "cat" / "a.png").symlink_to(root / "cat" / "b.png")
    (root / "cat" / "b.png").symlink_to(root / "cat" / "a.png")
    (root / "around").symlink_to(root / "around")
    table = load(root)
    assert listed(table) == {"refused_links": ("around", "cat/a.png", "cat/b.png")}
    assert table.problems[0].message.endswith("for example around: leads to itself")


def test_sockets_and_devices_are_refused(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    with socket.socket(socket.AF_UNIX) as server:
        # A socket's path may be 107 bytes long at most.
        here = Path.cwd()
        os.chdir(root / "cat")
        try:
            server.bind("socket.png")
        finally:
            os.chdir(here)
    expected = ["cat/socket.png"]
    try:
        # The same numbers as /dev/zero, which has no end.
        os.mknod(root / "dog" / "zero.png", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
        expected.append("dog/zero.png")
    except PermissionError:
        warnings.warn("no right to make a device here; only the socket is tested", stacklevel=1)
    assert listed(load(root)) == {"special_files": tuple(expected)}


def test_what_may_not_be_read_is_named(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIONSTACK_HOME", str(open_folder / "home"))
    root = class_folders(open_folder / "data", n_per_class=2, classes=("cat", "dog", "fox"))
    (root / "cat" / "00.png").chmod(0)
    (root / "dog").chmod(0)
    with as_nobody():
        table = load(root)
    (root / "dog").chmod(0o700)
    assert listed(table) == {
        "unreadable_files": ("cat/00.png", "dog"),
        "empty_classes": ("dog",),
    }
    assert table.classes == ("cat", "fox")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder in which anybody may read and write."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Runs the block without the rights of root, who may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_equal_names_in_two_classes_are_two_images(tmp_path: Path) -> None:
    table = load(class_folders(tmp_path / "data", n_per_class=2))
    assert table.frame["path"].tolist() == ["cat/00.png", "cat/01.png", "dog/00.png", "dog/01.png"]
    assert table.problems == ()


def test_a_hard_link_is_an_image_like_any_other(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    outside = tmp_path / "outside.png"
    outside.write_bytes(encode(picture(9), "PNG"))
    os.link(outside, root / "cat" / "linked.png")
    table = load(root)
    assert table.problems == ()
    assert "cat/linked.png" in set(table.frame["path"])


def test_classes_that_differ_in_case_are_two_and_told(tmp_path: Path) -> None:
    class_folders(tmp_path / "data" / "train", classes=("Cat", "dog"), n_per_class=3)
    class_folders(tmp_path / "data" / "test", classes=("cat", "dog"), n_per_class=3, seed=50)
    table = load(tmp_path / "data")
    assert table.classes == ("Cat", "cat", "dog")
    (finding,) = table.problems
    assert (finding.check, finding.severity, finding.images) == ("label_clashes", "warning", ())
    assert finding.message == (
        "1 class name that differs only in case or Unicode form: Cat beside cat"
    )


def test_one_name_in_two_unicode_forms_is_one_class(tmp_path: Path) -> None:
    class_folders(tmp_path / "data" / "train", classes=("caf\u00e9", "dog"), n_per_class=3)
    class_folders(tmp_path / "data" / "test", classes=("cafe\u0301", "dog"), n_per_class=3, seed=50)
    table = load(tmp_path / "data")
    assert table.classes == ("caf\u00e9", "dog")
    (finding,) = table.problems
    assert finding.message.endswith(": cafe\u0301 beside caf\u00e9 (one class, two Unicode forms)")


def test_names_are_trimmed_and_blank_ones_refused(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", classes=(" cat ", "dog", " "), n_per_class=2)
    table = load(root)
    assert table.classes == ("cat", "dog")
    assert listed(table) == {"outside_classes": (" ",)}


def test_tables_refuse_what_folders_refuse(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", n_per_class=3)
    (tmp_path / "secret.png").write_bytes(encode(picture(), "PNG"))
    (root / "escape.png").symlink_to(tmp_path / "secret.png")
    os.mkfifo(root / "pipe.png")
    (root / "way").symlink_to(tmp_path)
    (root / "round").symlink_to(root / "round")
    paths = ["cat/00.png", "dog/00.png", "escape.png", "pipe.png", "way/secret.png", "round", "cat"]
    lines = [f"{path},{'dog' if path.startswith('dog') else 'cat'}" for path in paths]
    (root / "t.csv").write_text("\n".join(["path,label", *lines, "a\0b.png,cat", ""]))
    table = load(root / "t.csv", "table")
    assert listed(table) == {
        "unreadable_files": ("a\0b.png",),
        "refused_links": ("escape.png", "round", "way/secret.png"),
        "special_files": ("cat", "pipe.png"),
    }


def test_tables_tell_names_that_clash(tmp_path: Path) -> None:
    names = ("cat/A.png", "cat/a.png", "dog/caf\u00e9.png")
    root = write_images(tmp_path / "data", names)
    rows = "".join(f"{name},{name[:3]}\n" for name in names)
    (root / "t.csv").write_text(f"path,label\n{rows}dog/cafe\u0301.png,dog\n")
    table = load(root / "t.csv", "table")
    assert listed(table) == {
        "missing_files": ("dog/cafe\u0301.png",),
        "name_clashes": ("cat/a.png",),
    }
    assert table.problems[0].message.endswith("its name is in Unicode's other form, NFC")
