"""What a passport needs and no step before it hands over: what the training left, the SBOM.

The version is rolled out by then, so nothing here may fail the pipeline: what cannot be had is said
and not known.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TypeVar

from zenml.client import Client

from steps import tracking
from steps.packaging.containers import PackagingError
from steps.packaging.environment import make_environment
from steps.packaging.licences import judge_licences
from steps.packaging.packages import installed_packages, locked_packages
from steps.packaging.sbom import sbom_of
from vision.bundles.manifest import Lineage
from vision.errors import StackError
from vision.evaluation import EvaluationReport
from vision.home import repository
from vision.packages import BuiltBento
from vision.passport.shipped_parts import LicencesPart
from vision.progress import say
from vision.validation.report import ValidationReport
from vision.wording import one_line

_LOCK_IN_BENTO = "env/python/requirements.txt"
_SBOM_LIBRARY = "cyclonedx"

Report = TypeVar("Report")


@dataclass(frozen=True, eq=False)
class TrainingReports:
    """What the pipeline run that trained a model has found; None where that is not known."""

    validation: ValidationReport | None = None
    evaluation: EvaluationReport | None = None


@dataclass(frozen=True)
class TrainingPatch:
    """The changes that the code of the training had in no commit.

    Attributes:
      text: those changes; None where they are not known.
      why: a sentence that says why they are not known.
    """

    text: str | None = None
    why: str | None = None


@dataclass(frozen=True)
class Installed:
    """What is installed beside the model; None where that is not known."""

    sbom: bytes | None = None
    licences: LicencesPart | None = None


def find_training(pipeline_run: str | None) -> TrainingReports:
    """Returns the reports of the pipeline run that trained a model.

    Args:
      pipeline_run: its id, as the lineage of the bundle has it.
    """
    if pipeline_run is None:
        return TrainingReports()
    return TrainingReports(
        validation=_report(pipeline_run, "validate_dataset", ValidationReport),
        evaluation=_report(pipeline_run, "evaluate_model", EvaluationReport),
    )


def find_patch(lineage: Lineage) -> TrainingPatch:
    """Returns the patch that the tracking run of the training keeps; nothing for a clean commit.

    Args:
      lineage: of the bundle; names the tracking run.
    """
    if not lineage.git_is_dirty:
        return TrainingPatch()
    if lineage.tracking_run is None:
        why = "The training had no tracking run, and nothing else keeps its changes."
        return TrainingPatch(why=why)
    try:
        content = tracking.read_file(lineage.tracking_run, tracking.PATCH_FILE)
    except StackError as error:
        why = f"The changes cannot be read: {error}."
    # A tracker that is gone or does not answer has errors of its own.
    except Exception as error:  # noqa: BLE001
        why = f"The tracking run {lineage.tracking_run} cannot be read: {one_line(str(error))}."
    else:
        return TrainingPatch(content.decode(errors="replace"))
    say(f"the code of the training is not wholly known. {why}")
    return TrainingPatch(why=why)


def list_installed(bento: BuiltBento) -> Installed:
    """Returns SBOM and licences of the environment that the bento was tested in."""
    try:
        environment = make_environment(bento.folder / _LOCK_IN_BENTO)
        folders = sorted(environment.folder.glob("lib/python*/site-packages"))
        judged = judge_licences(installed_packages(folders), alibi=bento.backend == "alibi")
        licences = LicencesPart(
            passed=judged.passed,
            refused=judged.refused,
            reported=judged.reported,
            unknown=judged.unknown,
        )
        if importlib.util.find_spec(_SBOM_LIBRARY) is None:
            say(f"the SBOM is not known: {_SBOM_LIBRARY} is not installed here; run make setup")
            return Installed(licences=licences)
        locked = locked_packages(repository() / bento.requirements)
        name, _, version = bento.tag.partition(":")
        return Installed(sbom_of(folders, locked, name, version).encode(), licences)
    except (PackagingError, OSError) as error:
        say(f"the packages of {bento.tag} are not known: {error}")
        return Installed()


def _report(pipeline_run: str, step: str, kind: type[Report]) -> Report | None:
    """Returns what a step of that pipeline run has made."""
    try:
        [[artifact]] = Client().get_pipeline_run(pipeline_run).steps[step].outputs.values()
        found = artifact.load()
    # A server without the run, a store that is gone, a file that an older release wrote: each has
    # errors of its own, and none of them is one of this deployment.
    except Exception as error:  # noqa: BLE001
        say(f"what {step} of the training has found is not known ({error!r})")
        return None
    return found if isinstance(found, kind) else None
