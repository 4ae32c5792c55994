"""``run.py simulate``: sends held-out images, corrupted as asked, to a running service.

Only light modules are imported up here; see run.py.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

# "clean", then vision.drift.corruptions.SCENARIOS, which takes a second to import.
SCENARIOS = (
    "clean",
    "blur",
    "noise",
    "dark",
    "bright",
    "contrast",
    "jpeg",
    "channel_swap",
    "shift",
    "crop",
    "new_class",
    "class_shift",
)
_FILE = click.Path(path_type=Path, dir_okay=False)
DONE, FAILED = 0, 1


class _Scenario(click.ParamType):
    """What happens to the images."""

    name = "scenario"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Returns what the help shows for a value."""
        return "|".join(SCENARIOS)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Returns the name, which is one of those in use."""
        if value not in SCENARIOS:
            from vision.config.nearest import did_you_mean

            hint = did_you_mean(str(value), SCENARIOS)
            self.fail(f"{value!r} is no scenario; {hint}", param, ctx)
        return str(value)


class _Address(click.ParamType):
    """Where a service listens."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Returns the address without a slash at its end."""
        address = str(value).rstrip("/")
        scheme, _, rest = address.partition("://")
        if scheme not in ("http", "https") or not rest:
            self.fail(f"{value!r} is no address; write http://127.0.0.1:3000", param, ctx)
        return address


@click.command()
@click.option("--scenario", type=_Scenario(), required=True, help="What happens to the images.")
@click.option("--n", "n_images", type=click.IntRange(min=1), default=500, show_default=True)
@click.option("--severity", type=click.IntRange(1, 3), default=2, show_default=True)
@click.option(
    "--rate", type=click.FloatRange(0, 10_000, min_open=True), help="Images a second, at most."
)
@click.option("--url", type=_Address(), default="http://127.0.0.1:3000", show_default=True)
@click.option(
    "--config", type=_FILE, default="configs/train.yaml", show_default=True, help="Names the data."
)
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set a key of the job."
)
@click.option("--feedback", is_flag=True, help="Tell the service what the images really are.")
@click.option("--api-key-from", metavar="VARIABLE", help="The variable that holds the key.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of every draw."
)
def simulate(
    config: Path,
    overrides: Sequence[str],
    url: str,
    api_key_from: str | None,
    scenario: str,
    severity: int,
    n_images: int,
    **options: Any,
) -> int:
    """Sends images of the test split to a running service, and says when it sees drift.

    For example: python run.py simulate --scenario blur --n 500 --rate 20
    """
    key = _key_from(api_key_from)
    from vision.config.load import load_job

    job = load_job(config, overrides)
    from pipelines.simulate import Simulation, run_simulation
    from pipelines.simulate_images import ImagePlan
    from pipelines.simulate_service import Address

    plan = ImagePlan(scenario, severity, n_images)
    simulation = Simulation(job.images, plan, Address(url, key, api_key_from), **options)
    return DONE if run_simulation(simulation, click.echo) else FAILED


def _key_from(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable)
    if not key:
        raise click.BadParameter(
            f"the variable {variable} is not set; put the key there", param_hint="'--api-key-from'"
        )
    return key
