"""What was read of a file is used again only while the file is the same one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.corpus import class_folders, encode, picture
from tests.vision.datasets.reading import load

pytestmark = pytest.mark.usefixtures("home")


def test_a_file_in_anothers_place_is_read_again(tmp_path: Path) -> None:
    # Same length and same time, as cp -p leaves them: only inode and time of the inode tell.
    root = class_folders(tmp_path / "data")
    for number, name in enumerate(("cat/3.bmp", "dog/3.bmp")):
        (root / name).write_bytes(encode(picture(50 + number), "BMP"))
        os.utime(root / name, ns=(10**18, 10**18))
    before = load(root).frame.set_index("path")["sha256"]
    assert before["cat/3.bmp"] != before["dog/3.bmp"]
    shutil.copy2(root / "dog/3.bmp", root / "cat/3.bmp")
    after = load(root).frame.set_index("path")["sha256"]
    assert after["cat/3.bmp"] == after["dog/3.bmp"] == before["dog/3.bmp"]
    (root / "new.bmp").write_bytes(encode(picture(50), "BMP"))
    os.utime(root / "new.bmp", ns=(10**18, 10**18))
    (root / "new.bmp").replace(root / "cat/3.bmp")
    assert load(root).frame.set_index("path")["sha256"]["cat/3.bmp"] == before["cat/3.bmp"]
