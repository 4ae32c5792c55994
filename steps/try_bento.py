"""Tries a bento before anything is promoted."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from steps.packaging import bento_test, environment
from steps.packaging.containers import PackagingError
from steps.packaging.image import REQUIREMENTS
from steps.packaging.licences import judge_licences
from steps.packaging.packages import installed_packages
from vision.bundles.build import Bundle
from vision.packages import BentoTest, BuiltBento
from vision.progress import say


# Not from the cache: what it finds depends on this machine, as it is now.
@step(enable_cache=False, output_materializers="materializers.packages.BentoTestMaterializer")
def try_bento(bento: BuiltBento, bundle: Bundle) -> Annotated[BentoTest, "bento_test"]:
    """Serves the bento with the bundle in an environment of its own, and asks it.

    Raises:
      PackagingError: it does anything wrong, or a package has a licence that may not be there,
        which stops the deployment; or its packages cannot be had.
    """
    _check_licences(bento)
    found = bento_test.try_bento(bento, bundle.folder)
    if not found.passed:
        raise PackagingError(
            f"the bento {found.tag} with {found.model} failed its test: {found.message}\n"
            "nothing was promoted; `bentoml serve` in the repository shows the same code at work"
        )
    memory = "" if found.memory_bytes is None else f", {found.memory_bytes / 1e6:.0f} MB of memory"
    say(
        f"bento {found.tag}: ready after {found.cold_start_s:.1f} s{memory}, {found.n_golden} "
        f"golden images as stored within {found.golden_difference:.1g}"
    )
    return found


def _check_licences(bento: BuiltBento) -> None:
    """Judges what is installed, which is more than the lock says: the licences are with it."""
    place = environment.make_environment(bento.folder / REQUIREMENTS).folder
    packages = installed_packages(sorted(place.glob("lib/python*/site-packages")))
    judged = judge_licences(packages, alibi=bento.backend == "alibi")
    if not judged.passed:
        raise PackagingError(
            f"bento {bento.tag}: {judged.sentence}\nnothing was promoted; the packages are those "
            f"of {bento.requirements}, which `make lock` renews from pyproject.toml"
        )
    say(f"licences of bento {bento.tag}: {judged.sentence}")
