"""Which files a patch is about, and how much of it is kept."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from vision.passport.patch import MOST_BYTES, changed_files, cut_patch
from vision.provenance import read_code_version

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("a/run.py b/run.py", "run.py"),
        ("a/steps/a b/x.py b/steps/a b/x.py", "steps/a b/x.py"),
        ("a/old.py b/sub/new name.py", "sub/new name.py"),
        ("c/run.py w/run.py", "run.py"),
        ("run.py run.py", "run.py"),
        ("a/a b/a", "a"),
        ('"a/caf\\303\\251.py" "b/caf\\303\\251.py"', "caf\\303\\251.py"),
        ('a/plain "b/a\\"b.py"', 'a\\"b.py'),
        ("odd", "odd"),
    ],
)
def test_a_header_names_a_file(header: str, name: str) -> None:
    assert changed_files(f"diff --git {header}\n--- a\n") == (name,)


def test_what_git_prints_is_understood(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        named = ("-c", "user.name=T", "-c", "user.email=t@example.org")
        subprocess.run(("git", "-C", str(tmp_path), *named, *arguments), check=True, timeout=20)

    git("init", "-q")
    for name in ("a b.py", "gone.py", "mode.sh", "moved.py", "plain.py"):
        (tmp_path / name).write_text(f"{name}\n" * 20)
    git("add", ".")
    git("commit", "-q", "-m", "first")
    (tmp_path / "a b.py").write_text("diff --git a/no b/no\n\x0cdiff --git a/not b/not\n")
    (tmp_path / "gone.py").unlink()
    (tmp_path / "mode.sh").chmod(0o755)
    (tmp_path / "bytes").write_bytes(bytes(range(256)))
    git("mv", "moved.py", "there.py")
    git("add", "bytes")
    (tmp_path / "new.txt").write_text("new\n")
    patch = read_code_version(tmp_path).patch
    assert changed_files(patch) == (
        *("new.txt", "a b.py", "bytes", "gone.py", "mode.sh", "there.py"),
    )


def test_nothing_names_no_file() -> None:
    assert changed_files("") == ()
    assert changed_files("+# not tracked: a\n diff --git a/b b/b\n# not tracked: \n") == ()


def test_200_kb_are_kept() -> None:
    whole = "x" * MOST_BYTES
    assert cut_patch("") == ("", None)
    assert cut_patch(whole) == (whole, None)
    assert cut_patch(whole + "y") == (
        whole,
        "Of 200,001 bytes of patch the first 200,000 are kept.",
    )


def test_no_letter_is_cut_in_half() -> None:
    kept, note = cut_patch("x" + "ä" * 100_000)
    assert kept == "x" + "ä" * 99_999
    assert note == "Of 200,001 bytes of patch the first 200,000 are kept."
