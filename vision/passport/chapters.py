"""Where a model comes from and how it was shipped, in words; page and terminal show the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from vision.bundles.rolled_out import Replica
from vision.passport.parts import CodePart
from vision.passport.passport import Passport
from vision.passport.wording import NOT_KNOWN, tell, tell_list, tell_time
from vision.validation.report import Gate
from vision.wording import count


@dataclass(frozen=True)
class Table:
    """Rows of plain text."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Chapter:
    """One section.

    Attributes:
      facts: names and values.
      tables: shown below them.
      sentences: shown below those.
    """

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    tables: tuple[Table, ...] = ()
    sentences: tuple[str, ...] = ()


def model_chapter(passport: Passport) -> Chapter:
    """Says what the model is."""
    model = passport.model
    height, width = model.input_size
    made_by = {name: v for name, v in model.versions.model_dump().items() if v is not None}
    facts = (
        ("Made", tell_time(model.made_at)),
        ("Architecture", f"{model.architecture}, {count(model.n_parameters, 'parameter')}"),
        ("Input", f"{height} × {width} px, {model.task}"),
        ("Classes", f"{len(model.classes):,}: {tell_list(model.classes)}"),
        ("Manifest (sha256)", model.manifest_sha256),
        ("Tracking run", tell(model.tracking_run)),
        ("Pipeline run", tell(model.pipeline_run)),
        ("Configuration (digest)", tell(model.config_digest)),
        ("Made by", ", ".join(f"{name} {version}" for name, version in made_by.items())),
    )
    return Chapter("Model", facts)


def code_chapter(passport: Passport) -> Chapter:
    """Says which code trained the model, and which one serves it."""
    codes = (("Trained with", passport.trained_with), ("Served with", passport.packed_with))
    facts = tuple(fact for name, code in codes for fact in _code(name, code))
    sentences = tuple(f"{name}: {code.note}" for name, code in codes if code.note)
    return Chapter("Code", facts, sentences=sentences)


def data_chapter(passport: Passport) -> Chapter:
    """Says what the model was trained on, and what the validator found there."""
    data, found = passport.data, passport.validation
    images = validator = None
    if data.splits is not None:
        counted = ", ".join(f"{name} {n:,}" for name, n in data.splits.items())
        images = f"{count(sum(data.splits.values()), 'image')} ({counted})"
    if found is not None:
        errors, warnings = count(found.n_errors, "error"), count(found.n_warnings, "warning")
        validator = f"{found.validator}: {errors}, {warnings}"
    facts = (
        ("Source", tell(data.source)),
        ("Revision", tell(data.revision)),
        ("Digest", tell(data.digest)),
        ("Images", tell(images)),
        ("Validation", tell(validator)),
    )
    return Chapter(
        "Data", facts, () if found is None else gates_table("Gate of the data", found.gates)
    )


def packages_chapter(passport: Passport) -> Chapter:
    """Says what is installed beside the model, and under which licences."""
    lock, sbom, licences = passport.lock, passport.sbom, passport.licences
    locked = None if lock is None else f"{lock.name}, {count(len(lock.packages), 'package')}"
    listed = None
    tables: tuple[Table, ...] = ()
    if sbom is not None:
        listed = f"{sbom.format}, {count(len(sbom.components), 'component')}"
        named = Counter(" and ".join(each.licences) or NOT_KNOWN for each in sbom.components)
        rows = tuple((name, f"{n:,}") for name, n in named.most_common())
        tables = (Table(("Licence", "Components"), rows),)
    gate = None if licences is None else "passed" if licences.passed else "not passed"
    facts = (
        ("Lock", tell(locked)),
        ("Lock (sha256)", tell(None if lock is None else lock.sha256)),
        ("SBOM", tell(listed)),
        ("SBOM (sha256)", tell(None if sbom is None else sbom.sha256)),
        ("Licence gate", tell(gate)),
    )
    sentences: list[str] = []
    if licences is not None:
        sentences += (f"{name} may not be there: {told}" for name, told in licences.refused.items())
        sentences += licences.reported
        if licences.unknown:
            sentences.append(f"Licence {NOT_KNOWN} of {tell_list(licences.unknown)}.")
    return Chapter("Packages", facts, tables, tuple(sentences))


def rollout_chapter(passport: Passport) -> Chapter:
    """Says who approved the version and how it reached the service."""
    rollout, approvals = passport.rollout, passport.approvals
    facts = [
        (
            "Approved" if each.is_approved else "Rejected",
            f"by {each.by}, {tell_time(each.at)}",
        )
        for each in approvals or ()
    ]
    if not facts:
        facts.append(("Approvals", NOT_KNOWN if approvals is None else "none was asked for"))
    promotion = passport.promotion
    if promotion is None:
        facts.append(("Champion", NOT_KNOWN))
    else:
        before = f"before: {promotion.former or 'none'}"
        facts.append(("Champion", f"since {tell_time(promotion.at)}; {before}"))
    if rollout is None:
        return Chapter("Approval and roll-out", (*facts, ("Roll-out", NOT_KNOWN)))
    facts += [
        ("Target", rollout.target),
        ("Outcome", rollout.outcome.replace("_", " ")),
        ("Ended", tell_time(rollout.ended_at)),
        ("Watched for", f"{rollout.watch_s:g} s"),
    ]
    heads = ("Service", "Serves", "Ready after", "Requests watched", "Errors")
    tables = (Table(heads, tuple(map(_replica, rollout.replicas))),)
    return Chapter("Approval and roll-out", tuple(facts), tables, (rollout.sentence,))


def _replica(each: Replica) -> tuple[str, ...]:
    ready = NOT_KNOWN if each.ready_s is None else f"{each.ready_s:.2f} s"
    seen = each.watched
    figures = (NOT_KNOWN, NOT_KNOWN)
    if seen is not None:
        figures = (f"{seen.n_requests:,}", f"{seen.n_errors:,}")
    return (each.address, tell(each.served), ready, *figures)


def _code(name: str, code: CodePart) -> list[tuple[str, str]]:
    if code.is_dirty is None:
        changes = NOT_KNOWN
    elif not code.is_dirty:
        changes = "none"
    elif code.patch is None:
        changes = f"some; which ones is {NOT_KNOWN}"
    else:
        changes = f"{count(len(code.patch.splitlines()), 'line')} of patch"
    facts = [(name, tell(code.commit)), (f"{name}: changes in no commit", changes)]
    if code.files:
        listed = f"{count(len(code.files), 'file')}: {tell_list(code.files)}"
        facts.append((f"{name}: changed files", listed))
    return facts


def gates_table(head: str, gates: Sequence[Gate]) -> tuple[Table, ...]:
    """Returns the gates as a table; no table where there are none."""
    if not gates:
        return ()
    rows = tuple(
        (each.name, _judged(each.value), each.rule, "passed" if each.passed else "failed")
        for each in gates
    )
    return (Table((head, "Value", "Required", "Result"), rows),)


def _judged(value: float | None) -> str:
    return NOT_KNOWN if value is None else f"{value:.6g}"
