"""What is different in the second of two passports."""

from __future__ import annotations

from vision.drift.power_table import CLEAN, PowerTable
from vision.passport.change import Change, mapping_changes, number_change, text_change
from vision.passport.parts import CodePart
from vision.passport.passport import Passport
from vision.passport.quality_diff import class_changes, metric_changes, price_changes
from vision.passport.wording import NOT_KNOWN, tell_list
from vision.validation.report import Gate
from vision.wording import count


def diff_passports(before: Passport, after: Passport) -> tuple[Change, ...]:
    """Compares two passports and returns every difference that means something.

    That times of making, versions, run ids and digests of what is made anew differ is no news.
    """
    return (
        *text_change("Model", "the model", before.name, after.name),
        *metric_changes(before.evaluation, after.evaluation),
        *class_changes(before.evaluation, after.evaluation),
        *_gate_changes("Quality", before.evaluation.gates, after.evaluation.gates),
        *price_changes(before, after),
        *_model_changes(before, after),
        *_power_changes(before.power, after.power),
        *_data_changes(before, after),
        *_code_changes("the code of the training", before.trained_with, after.trained_with),
        *_code_changes("the code that serves", before.packed_with, after.packed_with),
        *_package_changes(before, after),
    )


def _model_changes(before: Passport, after: Passport) -> list[Change]:
    one, two = before.model, after.model
    changes = []
    added = [name for name in two.classes if name not in set(one.classes)]
    lost = [name for name in one.classes if name not in set(two.classes)]
    if added:
        changes.append(Change("Model", f"new {count(len(added), 'class')}: {tell_list(added)}"))
    if lost:
        changes.append(Change("Model", f"{count(len(lost), 'class')} gone: {tell_list(lost)}"))
    sizes = (f"{height} × {width} px" for height, width in (one.input_size, two.input_size))
    changes += [
        *text_change("Model", "the architecture", one.architecture, two.architecture),
        *text_change("Model", "the input", *sizes),
        *number_change(
            "Model", "parameters", one.n_parameters, two.n_parameters, told="{:,.0f}".format
        ),
        *text_change("Model", "the configuration", one.config_digest, two.config_digest),
    ]
    old, new = one.versions.model_dump(), two.versions.model_dump()
    for name in old:
        changes += text_change("Model", f"{name} that made it", old[name], new[name])
    return changes


def _power_changes(before: PowerTable | None, after: PowerTable | None) -> list[Change]:
    section = "Drift check"
    if before is None or after is None:
        known = (None if table is None else "known" for table in (before, after))
        return text_change(section, "what the check sees", *known)
    changes = []
    for kind, severity in after.changes:
        if kind == CLEAN or (kind, severity) not in before.changes:
            continue
        sizes = [table.promise(kind, severity) for table in (before, after)]
        if sizes[0] == sizes[1]:
            continue
        told = ["not seen" if size is None else f"seen after {size:,} images" for size in sizes]
        is_worse = sizes[1] is None or (sizes[0] is not None and sizes[1] > sizes[0])
        sentence = f"{kind} {severity} was {told[0]}, and is {told[1]}"
        changes.append(Change(section, sentence, "worse" if is_worse else "better"))
    return changes


def _data_changes(before: Passport, after: Passport) -> list[Change]:
    one, two = before.data, after.data
    changes = [
        *text_change("Data", "the source", one.source, two.source),
        *text_change("Data", "the revision", one.revision, two.revision),
        *text_change("Data", "the digest", one.digest, two.digest),
    ]
    if one.splits is not None and two.splits is not None:
        for split in sorted(one.splits.keys() | two.splits.keys()):
            sizes = one.splits.get(split, 0), two.splits.get(split, 0)
            changes += number_change("Data", f"images of {split}", *sizes, told="{:,.0f}".format)
    found = [each.validation for each in (before, after)]
    gates = [None if each is None else each.gates for each in found]
    return [*changes, *_gate_changes("Data", *gates)]


def _code_changes(name: str, before: CodePart, after: CodePart) -> list[Change]:
    changes = text_change("Code", name, before.commit, after.commit)
    states = [_state(code) for code in (before, after)]
    if states[0] != states[1]:
        return [*changes, *text_change("Code", f"what {name} has in no commit", *states)]
    if before.patch and after.patch and before.patch != after.patch:
        changes.append(Change("Code", f"{name} has other changes that are in no commit"))
    return changes


def _state(code: CodePart) -> str:
    if code.is_dirty is None:
        return NOT_KNOWN
    return "some changes" if code.is_dirty else "nothing"


def _package_changes(before: Passport, after: Passport) -> list[Change]:
    changes = mapping_changes("Packages", "package", before.packages, after.packages)
    names = (None if each.lock is None else each.lock.name for each in (before, after))
    changes += text_change("Packages", "the lock", *names)
    licences = [
        None
        if each.sbom is None
        else {part.name: " and ".join(part.licences) for part in each.sbom.components}
        for each in (before, after)
    ]
    if licences[0] is not None and licences[1] is not None:
        for name in sorted(licences[0].keys() & licences[1].keys()):
            told = (each[name] or NOT_KNOWN for each in licences if each is not None)
            changes += text_change("Packages", f"the licence of {name}", *told)
    passed = [None if each.licences is None else each.licences.passed for each in (before, after)]
    if passed[0] != passed[1]:
        words = {None: NOT_KNOWN, True: "passed", False: "not passed"}
        changes += text_change("Packages", "the licence gate", *(words[each] for each in passed))
    return changes


def _gate_changes(
    section: str, before: tuple[Gate, ...] | None, after: tuple[Gate, ...] | None
) -> list[Change]:
    """Says which rules are new, gone, or judged differently."""
    if before is None or after is None:
        return []
    old, new = ({gate.name: gate for gate in gates} for gates in (before, after))
    rules = ({name: gate.rule for name, gate in gates.items()} for gates in (old, new))
    changes = mapping_changes(section, "gate", *rules)
    for name in sorted(old.keys() & new.keys()):
        if old[name].passed != new[name].passed:
            verb = "is passed now" if new[name].passed else "is not passed any more"
            sentence = f"gate {name} {verb}: {new[name].sentence}"
            changes.append(Change(section, sentence, "better" if new[name].passed else "worse"))
    return changes
