"""Environments of a bento, made by a program that stands for uv."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from serving.models.fault import FAULT_VARIABLE
from steps.packaging import environment
from steps.packaging.containers import PackagingError
from steps.packaging.environment import KEPT, is_intact, make_environment, read_lock
from vision.home import repository

pytestmark = pytest.mark.unit

# It notes its calls; what it installs is one distribution with one file.
_UV = """#!/bin/sh
printf '%s\\n' "$*" >> "{calls}"
for word; do last=$word; done
case "$1" in
  venv) mkdir -p "$last/bin" && ln -s "{python}" "$last/bin/python" ;;
  pip)
    {install}
    packages=$(dirname "$5")/../lib/python3.11/site-packages
    mkdir -p "$packages/a-1.dist-info" && echo 1 > "$packages/a.py" ;;
esac
"""
LOCK = "a==1 \\\n    --hash=sha256:{digit:064d}\n"


@pytest.fixture
def uv(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for uv; the file of its calls."""
    install_fake(tmp_path, "true")
    monkeypatch.setattr(environment, "_find_uv", lambda: str(tmp_path / "uv"))
    return tmp_path / "uv.calls"


def install_fake(folder: Path, install: str) -> None:
    calls = folder / "uv.calls"
    (folder / "uv").write_text(_UV.format(calls=calls, python=sys.executable, install=install))
    (folder / "uv").chmod(0o755)


def write_lock(folder: Path, digit: int = 1) -> Path:
    path = folder / f"lock-{digit}.txt"
    path.write_text(LOCK.format(digit=digit))
    return path


def test_it_is_made_once_for_a_lock(tmp_path: Path, uv: Path) -> None:
    lock = write_lock(tmp_path)

    made = make_environment(lock)
    found = make_environment(lock)

    assert (made.was_made, found.was_made) == (True, False)
    assert (made.folder, made.n_packages) == (found.folder, 1)
    assert made.folder.parent == tmp_path / "home" / "environments"
    assert os.access(made.python, os.X_OK)
    [venv, install] = uv.read_text().splitlines()
    assert "--relocatable" in venv
    for word in ("--require-hashes", "--no-deps", "--compile-bytecode", "--offline"):
        assert f" {word} " in f"{install} "
    assert make_environment(write_lock(tmp_path, 2)).folder != made.folder


@pytest.mark.fault
@pytest.mark.parametrize("damage", ["changed", "gone", "more", "no note", "no python"])
def test_a_damaged_one_is_made_anew(tmp_path: Path, uv: Path, damage: str) -> None:
    lock = write_lock(tmp_path)
    folder = make_environment(lock).folder
    file = next(folder.glob("lib/*/site-packages/a.py"))
    if damage == "changed":
        file.write_text("of another size")
    elif damage == "more":
        file.with_name("b.py").write_text("")
    elif damage == "gone":
        file.unlink()
    elif damage == "no note":
        (folder / "environment.json").unlink()
    else:
        (folder / "bin" / "python").unlink()
        (folder / "bin" / "python").symlink_to("/nowhere/python3")

    made = make_environment(lock)

    assert made.was_made
    assert is_intact(folder)
    assert file.read_text() == "1\n"
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name]


def test_what_python_compiles_is_no_damage(tmp_path: Path, uv: Path) -> None:
    folder = make_environment(write_lock(tmp_path)).folder
    compiled = next(folder.glob("lib/*/site-packages")) / "__pycache__"
    compiled.mkdir()
    (compiled / "a.cpython-311.pyc").write_bytes(b"")

    assert is_intact(folder)


def test_only_those_used_last_are_kept(tmp_path: Path, uv: Path) -> None:
    made = []
    for digit in range(KEPT + 1):
        made.append(make_environment(write_lock(tmp_path, digit)).folder)
        os.utime(made[-1], (digit, digit))
        if digit == KEPT - 1:
            # Used again, so the second is the oldest now.
            make_environment(write_lock(tmp_path, 0))

    assert [path.exists() for path in made] == [True, False, True, True]


def test_what_was_left_half_made_is_swept(tmp_path: Path, uv: Path) -> None:
    root = make_environment(write_lock(tmp_path)).folder.parent
    old, new = root / ".stage-old", root / ".stage-new"
    old.mkdir()
    new.mkdir()
    hour_ago = time.time() - 3600
    os.utime(old, (hour_ago, hour_ago))

    make_environment(write_lock(tmp_path, 2))

    assert (old.exists(), new.exists()) == (False, True)


def test_packages_that_were_not_fetched_before_are_asked_of_the_index(
    tmp_path: Path, uv: Path
) -> None:
    install_fake(tmp_path, 'case "$*" in *--offline*) exit 1 ;; esac')

    assert make_environment(write_lock(tmp_path)).was_made
    assert ["--offline" in call for call in uv.read_text().splitlines()] == [False, True, False]


@pytest.mark.fault
@pytest.mark.parametrize("point", ["environment-staged", "environment-made"])
def test_killed_on_the_way_and_run_again_it_is_whole(tmp_path: Path, uv: Path, point: str) -> None:
    lock = write_lock(tmp_path)
    code = (
        "import sys; from pathlib import Path; from steps.packaging import environment; "
        "environment._find_uv = lambda: sys.argv[1]; "
        "environment.make_environment(Path(sys.argv[2]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "uv"), str(lock)],
        cwd=repository(),
        env={**os.environ, FAULT_VARIABLE: point},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 137, done.stderr

    made = make_environment(lock)

    assert made.was_made is (point == "environment-staged")
    assert is_intact(made.folder)


@pytest.mark.fault
def test_without_network_and_cache_a_sentence_says_what_to_do(tmp_path: Path, uv: Path) -> None:
    install_fake(tmp_path, "echo 'error: dns error' >&2; exit 2")

    with pytest.raises(PackagingError) as caught:
        make_environment(write_lock(tmp_path))

    assert str(caught.value) == (
        f"the packages of {tmp_path}/lock-1.txt cannot be installed:\nerror: dns error\n"
        "they come from uv's cache (UV_CACHE_DIR) or from Python's package index: connect this "
        "machine once, or name a mirror in UV_INDEX_URL or a folder of wheels in UV_FIND_LINKS"
    )
    assert not list((tmp_path / "home" / "environments").iterdir())


@pytest.mark.fault
def test_without_uv_a_sentence_says_what_to_do(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    with pytest.raises(PackagingError, match=r"uv is not installed, .* run `make setup`, or `pip"):
        make_environment(write_lock(tmp_path))


def test_a_pin_that_bentoml_adds_without_a_hash_is_left_out(tmp_path: Path) -> None:
    lock = write_lock(tmp_path)
    lock.write_text(f"{lock.read_text()}a==1\nb==2\n")

    assert read_lock(lock) == f"a==1      --hash=sha256:{1:064d}\nb==2\n"
