"""``run.py data``: what is called, what is said, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import run
from tests.dvc_repositories import make_versions
from tests.run.conftest import FakeLaunch
from tests.run.loading import loaded_by
from tests.synthetic import write_images
from vision.datasets.table import AnnotationTable

JOB = """\
pipeline: training
model: {{name: colours, input_size: [16, 16]}}
dataset: {{source: {source}, path: {path}}}
"""


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_images(tmp_path / "images", 6)


@pytest.fixture
def job(tmp_path: Path, images: Path) -> str:
    file = tmp_path / "job.yaml"
    file.write_text(JOB.format(source="folder", path=images))
    return str(file)


def test_import_writes_a_table_that_a_job_reads(
    images: Path, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "tables" / "colours.parquet"
    assert run.main(["data", "import", str(images), "--output", str(target)]) == 0
    shown = capsys.readouterr().out
    assert shown == f"18 images (train 12, validation 3, test 3), 3 classes: {target}\n"
    preview = tmp_path / "preview.png"
    file = tmp_path / "table.yaml"
    file.write_text(JOB.format(source="table", path=target))
    arguments = ["data", "preview", "--config", str(file), "--output", str(preview)]
    assert run.main(arguments) == 0
    assert preview.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out == f"18 of 18 images: {preview}\n"


def test_import_puts_the_table_beside_the_images(images: Path, home: Path) -> None:
    assert run.main(["data", "import", str(images), "--group-by", "/(00.)", "--seed", "3"]) == 0
    table = AnnotationTable.from_parquet(images.with_name("images.parquet"))
    assert set(table.frame["group"]) == {f"00{number}" for number in range(6)}
    assert (table.frame.groupby("group")["split"].nunique() == 1).all()


def test_an_output_that_cannot_be_written_is_one_sentence(
    images: Path, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "table.parquet"
    assert run.main(["data", "import", str(images), "--output", str(target)]) == 1
    assert "--output" in (said := capsys.readouterr().err)
    assert said.endswith("cannot be written: Not a directory; name a file that can\n")


def test_import_overwrites_no_table_of_a_person(
    images: Path, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    default = tmp_path / "images.parquet"
    mine = pd.DataFrame({"path": ["red/000.png"], "label": ["mine"]})
    mine.to_parquet(default)
    before = default.read_bytes()
    assert run.main(["data", "import", str(images)]) == 1
    assert capsys.readouterr().err == (
        f"error: {default} exists and does not say that an import wrote it; name another file with "
        "--output, or replace it with --force.\n"
    )
    listed = images / "labels.csv"
    listed.write_text("path,label\nred/000.png,red\nblue/000.png,blue\n")
    text = listed.read_text()
    assert run.main(["data", "import", str(listed), "--output", str(listed)]) == 1
    assert capsys.readouterr().err.startswith(f"error: {listed} is the source itself; name another")
    assert run.main(["data", "import", str(listed)]) == 1, "its default is the same table"
    assert f"{default} exists" in capsys.readouterr().err
    assert (default.read_bytes(), listed.read_text()) == (before, text)
    assert run.main(["data", "import", str(images), "--force"]) == 0
    assert len(AnnotationTable.from_parquet(default)) == 18
    assert run.main(["data", "import", str(images), "--seed", "1"]) == 0, "our own is replaced"


def test_commit_says_what_it_made(
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.org")
    workspace, _ = make_versions(tmp_path / "dvc")
    folder = workspace.root / "images"
    (folder / "dog" / "new.png").unlink()
    arguments = ["data", "commit", str(folder), "-m", "One less", "--tag", "v3", "--push"]
    capsys.readouterr()
    assert run.main(arguments) == 0
    commit = workspace.git("rev-parse", "v3^{commit}")
    assert capsys.readouterr().out.endswith(
        f"24 files committed as {commit}, tag v3\npushed to store {workspace.store}\n"
    )


@pytest.mark.parametrize("place", ["/proc/none", "file"])
@pytest.mark.parametrize("command", ["preview", "fix"])
def test_a_home_that_cannot_be_made_is_one_sentence(
    job: str,
    command: str,
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("")
    chosen = str(tmp_path / place)
    monkeypatch.setenv("VISIONSTACK_HOME", chosen)
    assert run.main(["data", command, "--config", job]) == 2
    why = "Not a directory" if place == "file" else "No such file or directory"
    assert capsys.readouterr().err == (
        f"VISIONSTACK_HOME = {chosen!r}: {chosen}/cache cannot be made ({why}); set it to a folder "
        "that you can write to\nnothing was run\n"
    )


def test_check_runs_the_validation_pipeline_alone(
    job: str, launch: FakeLaunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Any] = []

    def write(*arguments: Any) -> list[Path]:
        written.append(arguments)
        return [Path("page.html")]

    monkeypatch.setattr("pipelines.validation_files.write_validation", write)
    assert run.main(["data", "check", "--config", job, "--page", "page.html"]) == 0
    [(called, made, stack, use_cache)] = launch.calls
    assert (called, made.pipeline, stack, use_cache) == ("launch", "validation", None, True)
    [(ended, name, page, findings)] = written
    assert (ended, name, page, findings) == (launch.ends, "colours", Path("page.html"), None)


def test_fix_changes_nothing_until_it_is_meant(
    job: str, images: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (images / "red" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    before = sorted(images.rglob("*"))
    assert run.main(["data", "fix", "--config", job]) == 0
    shown = capsys.readouterr().out
    assert "red/bad.png" in shown
    assert shown.endswith("\nnothing was changed; do it with --yes\n")
    assert sorted(images.rglob("*")) == before
    assert run.main(["data", "fix", "--config", job, "--yes"]) == 0
    assert not (images / "red" / "bad.png").exists()
    folder = capsys.readouterr().out.strip().rpartition("run.py data restore ")[2]
    assert run.main(["data", "restore", folder]) == 0
    assert sorted(images.rglob("*")) == before


def test_fix_leaves_a_revision_alone(job: str, capsys: pytest.CaptureFixture[str]) -> None:
    changes = ["dataset.source=dvc", "dataset.revision=v1"]
    sets = [word for change in changes for word in ("--set", change)]
    assert run.main(["data", "fix", "--config", job, *sets]) == 1
    assert capsys.readouterr().err.startswith(
        "error: dataset.source is dvc, and its files are not yours to change; mend your own folder"
    )


def test_diff_needs_revisions(job: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["data", "diff", "v1", "v2", "--config", job]) == 1
    assert capsys.readouterr().err.startswith(
        "error: dataset.source is folder, which has no revisions to compare; set source dvc"
    )


@dataclass
class FakeChanges:
    """Stands for what two revisions differ by."""

    def summary(self) -> str:
        return "1 relabelled"

    def frame(self) -> pd.DataFrame:
        return pd.DataFrame({"kind": ["relabelled"], "path": ["a.png"]})


def test_diff_is_said_and_written(
    job: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[Any] = []

    def compare(dataset: Any, before: str, after: str) -> FakeChanges:
        asked.append((dataset.source, before, after))
        return FakeChanges()

    monkeypatch.setattr("pipelines.data_diff.diff_revisions", compare)
    output = tmp_path / "changes.csv"
    assert run.main(["data", "diff", "v1", "v2", "--config", job, "--output", str(output)]) == 0
    assert asked == [("folder", "v1", "v2")]
    assert capsys.readouterr().out == "1 relabelled\n"
    assert output.read_text() == "kind,path\nrelabelled,a.png\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["data", "check"], "Missing option '--config'"),
        (["data", "commit", "images"], "Missing option '-m' / '--message'"),
        (
            ["data", "import", "no/where"],
            "'SOURCE': no/where does not exist; give a folder with a folder for each class, or a "
            ".csv, .parquet or .json file.",
        ),
        (
            ["data", "import", ".", "--group-by", "("],
            "'--group-by': '(' is no regular expression: missing ), unterminated subpattern at "
            "position 0; write one around the part that names the group, such as "
            "'(patient_[0-9]+)'.",
        ),
        (
            ["data", "import", ".", "--group-by", "a"],
            "'--group-by': 'a' needs one group in parentheses, it has 0; write one around",
        ),
        (
            ["data", "import", ".", "--output", "t.txt"],
            "'--output': t.txt must end in .parquet or .csv.",
        ),
        (
            ["data", "preview", "--config", "x", "--output", "p.txt"],
            "'--output': p.txt must end in .png.",
        ),
        (
            ["data", "check", "--config", "x", "--findings", "f.txt"],
            "'--findings': f.txt must end in .parquet or .csv.",
        ),
        (
            ["data", "check", "--config", "x", "--page", "p.txt"],
            "'--page': p.txt must end in .html.",
        ),
        (
            ["data", "diff", "a", "b", "--config", "x", "--output", "d.parquet"],
            "'--output': d.parquet must end in .csv.",
        ),
        (["data", "nothing"], "No such command 'nothing'"),
        (["--config", "x.yaml", "data", "check"], "data takes none of the job's options"),
        (["data", "check", "--config", "no.yaml"], "no.yaml: cannot be read"),
    ],
)
def test_a_wrong_call_ends_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_help_of_the_group_loads_nothing_heavy() -> None:
    heavy = {"pydantic", "yaml", "zenml", "dvc", "pandas", "numpy"}
    assert loaded_by("import run\nrun.main(['data', '--help'])", heavy) == "[]"
