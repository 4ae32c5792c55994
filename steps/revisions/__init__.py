"""Dataset revisions: reading, committing and healing what git and DVC keep."""

from steps.revisions.commit import CommittedRevision, commit_revision
from steps.revisions.heal import heal
from steps.revisions.heal_report import HealReport
from steps.revisions.resolve import ResolvedDataset, resolve_revision
from steps.revisions.workspace import describe_workspace

__all__ = [
    "CommittedRevision",
    "HealReport",
    "ResolvedDataset",
    "commit_revision",
    "describe_workspace",
    "heal",
    "resolve_revision",
]
