"""``run.py log ...``: takes predictions out of the service's log, and old ones away.

Only light modules are imported up here; see run.py.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from pipelines.writing import writing

_FILE = click.Path(path_type=Path, dir_okay=False)
DONE = 0


class _Date(click.ParamType):
    """A date or time of ISO 8601; without zone it is UTC."""

    name = "date"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Reads it."""
        if isinstance(value, datetime):
            return value
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date; write 2026-01-31 or 2026-01-31T12:00", param, ctx)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


_DATABASE = click.option(
    "--database",
    metavar="URL",
    help="The log's database; by default VISIONSTACK_LOG_DATABASE, or this machine's.",
)


@click.group()
def log() -> None:
    """Exports and prunes the log of what the service predicted."""


@log.command()
@click.option("--output", type=_FILE, metavar="FILE.parquet", required=True, help="The file.")
@click.option("--model", metavar="NAME[:VERSION]", help="Predictions of this model alone.")
@click.option("--since", type=_Date(), metavar="DATE", help="Leave out what is older (UTC).")
@_DATABASE
def export(output: Path, model: str | None, since: datetime | None, database: str | None) -> int:
    """Writes predictions with properties, vectors and feedback to a parquet file."""
    from pipelines.log_export import export_predictions

    with writing("--output", output):
        n_rows = export_predictions(output, database, model, since)
    click.echo(f"{n_rows:,} predictions: {output}")
    return DONE


@log.command()
@click.option("--before", type=_Date(), metavar="DATE", help="What is older than this goes (UTC).")
@click.option("--older-than", type=click.IntRange(min=1), metavar="DAYS", help="The same, by age.")
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would go.")
@_DATABASE
def prune(before: datetime | None, older_than: int | None, yes: bool, database: str | None) -> int:
    """Removes old predictions, calls, feedback, drift checks and images."""
    if (before is None) == (older_than is None):
        raise click.UsageError("say how old: either --before DATE or --older-than DAYS")
    if before is None:
        before = datetime.now(UTC) - timedelta(days=older_than or 0)
    from serving.log import pruning
    from serving.log.offline import image_folder, open_log

    with open_log(database) as engine:
        if yes:
            click.echo(f"removed {pruning.prune(engine, image_folder(), before).summary()}")
            _tell_copies()
            return DONE
        plan = pruning.plan_prune(engine, image_folder(), before)
    hint = "" if plan.is_nothing else "\nnothing was changed; do it with --yes"
    click.echo(f"would remove {plan.summary()}{hint}")
    _tell_copies()
    return DONE


def _tell_copies() -> None:
    """Says where monitoring has put copies of images, which people may have labelled."""
    from vision.home import home

    places = [home() / "monitoring" / "reports", home() / "reviews"]
    if found := [str(place) for place in places if place.is_dir() and any(place.iterdir())]:
        click.echo(f"copies of images stay in {' and '.join(found)}; delete there what is too old")
