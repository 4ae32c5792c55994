"""``run.py data ...``: imports, checks, mends, compares and commits datasets.

Each command reads the ``dataset`` section of a job, so that what is looked at is what would be
trained on. Only light modules are imported up here; see run.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.parameters import FileOf, GroupPattern, Source
from pipelines.writing import writing

if TYPE_CHECKING:
    from vision.config import JobConfig

_FILE = click.Path(path_type=Path, dir_okay=False)
_TABLE = FileOf(".parquet", ".csv")
_FOLDER = click.Path(path_type=Path, file_okay=False)
DONE, FAILED, STOPPED = 0, 1, 3


def _of_job(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that name a job."""
    config = click.option("--config", type=_FILE, required=True, help="The job: a YAML file.")
    overrides = click.option(
        "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set a key of the job."
    )
    return config(overrides(command))


@click.group()
def data() -> None:
    """Imports, checks, mends, compares and commits datasets."""


@data.command("import")
@click.argument("source", type=Source())
@click.option("--images", type=_FOLDER, help="What the paths in a table are relative to.")
@click.option("--output", type=_TABLE, help="The table to write; by default beside the images.")
@click.option("--group-by", type=GroupPattern(), help="Images with the same match stay together.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Holds out other images.")
@click.option("--force", is_flag=True, help="Replace the table, even where no import wrote it.")
def import_source(
    source: Path,
    images: Path | None,
    output: Path | None,
    group_by: str | None,
    seed: int,
    force: bool,
) -> int:
    """Makes an annotation table of SOURCE: a folder of classes, a CSV, or a COCO file.

    A job reads it with dataset.source: table.
    """
    from pipelines.data_import import import_table
    from vision.datasets.table import SPLITS

    table, target = import_table(source, images, output, group_by, seed, is_forced=force)
    for finding in table.problems:
        click.echo(f"{finding.severity}: {finding.check}: {finding.message}", err=True)
    n_images = table.frame["split"].value_counts()
    counted = ", ".join(f"{split} {n_images[split]:,}" for split in SPLITS if split in n_images)
    click.echo(f"{len(table):,} images ({counted}), {len(table.classes)} classes: {target}")
    return DONE


@data.command()
@_of_job
@click.option("--stack", metavar="NAME", help="The stack to run on; by default the active one.")
@click.option("--no-cache", is_flag=True, help="Run every step, even where nothing changed.")
@click.option("--page", type=FileOf(".html"), metavar="FILE.html", help="Where the report goes.")
@click.option("--findings", type=_TABLE, metavar="FILE.parquet", help="Write a row for each image.")
def check(
    config: Path,
    overrides: Sequence[str],
    stack: str | None,
    no_cache: bool,
    page: Path | None,
    findings: Path | None,
) -> int:
    """Validates the dataset of a job without training; ends with 3 where a gate stops."""
    job = _load_job(config, [*overrides, "pipeline=validation"])
    from pipelines import launch
    from pipelines.validation_files import write_validation

    ended = launch.launch(job, stack=stack, use_cache=not no_cache)
    click.echo(ended.summary())
    for path in write_validation(ended, job.model.name, page, findings):
        click.echo(f"written to {path}")
    return {"completed": DONE, "failed": FAILED, "stopped": STOPPED}[ended.status]


@data.command()
@_of_job
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would be done.")
def fix(config: Path, overrides: Sequence[str], yes: bool) -> int:
    """Moves damaged files and needless copies into a folder beside the images."""
    from pipelines.data_fix import fix_dataset

    click.echo(fix_dataset(_load_job(config, overrides).images, is_meant=yes))
    return DONE


@data.command()
@click.argument("folder", type=_FOLDER)
def restore(folder: Path) -> int:
    """Moves what `data fix` has moved to FOLDER back to where it was."""
    from vision.datasets.fix import restore_fix

    click.echo(restore_fix(folder))
    return DONE


@data.command()
@click.argument("before")
@click.argument("after")
@_of_job
@click.option(
    "--output", type=FileOf(".csv"), metavar="FILE.csv", help="Write a row for each change."
)
def diff(
    before: str, after: str, config: Path, overrides: Sequence[str], output: Path | None
) -> int:
    """Compares two revisions: what was added, removed, relabelled, or moved between splits."""
    from pipelines.data_diff import diff_revisions

    changes = diff_revisions(_load_job(config, overrides).images, before, after)
    click.echo(changes.summary())
    if output is not None:
        with writing("--output", output):
            changes.frame().to_csv(output, index=False)
    return DONE


@data.command()
@click.argument("folder", type=_FOLDER)
@click.option("-m", "--message", required=True, help="What changed, for the log of git.")
@click.option("--tag", help="A name for the revision, such as v2.")
@click.option("--push", is_flag=True, help="Send the images to DVC's default remote too.")
def commit(folder: Path, message: str, tag: str | None, push: bool) -> int:
    """Makes a revision of FOLDER: adds it to DVC, commits to git, and tags the commit."""
    from steps.revisions import commit_revision

    click.echo(commit_revision(folder, message, tag, push).summary)
    return DONE


@data.command()
@_of_job
def heal(config: Path, overrides: Sequence[str]) -> int:
    """Reads every file of a revision again and fetches the damaged ones anew."""
    from steps.revisions import heal

    report = heal(_load_job(config, overrides).images)
    click.echo(report.summary)
    return DONE if report.is_whole else FAILED


@data.command()
@_of_job
@click.option("--output", type=FileOf(".png"), default="preview.png", help="The file to write.")
@click.option("--n-images", type=click.IntRange(1, 400), default=40, help="How many to show.")
def preview(config: Path, overrides: Sequence[str], output: Path, n_images: int) -> int:
    """Draws images of every class with their labels into one PNG."""
    from steps.datasets import read_dataset
    from vision.samples import draw_samples

    table = read_dataset(_load_job(config, overrides).images)
    with writing("--output", output):
        output.write_bytes(draw_samples(table, n_images))
    click.echo(f"{min(n_images, len(table)):,} of {len(table):,} images: {output}")
    return DONE


def _load_job(config: Path, overrides: Sequence[str]) -> JobConfig:
    from vision.config.load import load_job

    return load_job(config, overrides)
