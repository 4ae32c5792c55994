"""How good a model is, against the champion too, and what it costs, in words."""

from __future__ import annotations

from vision.passport.chapters import Chapter, Table, gates_table
from vision.passport.passport import Passport
from vision.passport.shipped_parts import BentoPart, ImagePart
from vision.passport.wording import NOT_KNOWN, tell, tell_bytes, tell_interval, tell_number
from vision.wording import count

_MOST_CLASSES = 40


def evaluation_chapter(passport: Passport) -> Chapter:
    """Says how good the model is, and how sure that is."""
    found = passport.evaluation
    images = found.split and f"{count(found.n_images or 0, 'image')} of the {found.split} split"
    metrics = tuple(
        (each.name, tell_number(each.value), tell_interval(each.low, each.high), tell(each.method))
        for each in found.metrics
    )
    tables = [Table(("Metric", "Value", "95 % interval", "Method"), metrics)]
    tables += gates_table("Gate of the model", found.gates or ())
    facts = [("Images", tell(images))]
    if found.classes is None:
        facts += [("Classes", NOT_KNOWN), ("Gates", NOT_KNOWN)]
        return Chapter("Quality", tuple(facts), tuple(tables))
    heads = ("Class", "Images", "Recall", "95 % interval", "Precision", "F1")
    worst = sorted(found.classes, key=lambda each: (each.recall is None, each.recall))
    rows = (
        (
            each.name,
            f"{each.n_images:,}",
            tell_number(each.recall),
            tell_interval(each.low, each.high),
            tell_number(each.precision),
            tell_number(each.f1),
        )
        for each in worst[:_MOST_CLASSES]
    )
    tables.append(Table(heads, tuple(rows)))
    return Chapter("Quality", tuple(facts), tuple(tables), _left_out(len(worst), "lowest recall"))


def comparison_chapter(passport: Passport) -> Chapter:
    """Says how the model did against the champion of then."""
    found = passport.comparison
    if found is None:
        return Chapter("Against the champion", (("Comparison", NOT_KNOWN),))
    images = f"{count(found.n_images, 'image')} of the {found.split} split"
    facts = [
        ("Verdict", found.verdict),
        ("Champion", found.champion or "none"),
        ("Images", images if found.n_images else "none were compared"),
    ]
    one = found.difference
    if one is not None:
        facts.append(("Difference", f"{one.value:+.4f} [{one.low:+.4f}, {one.high:+.4f}]"))
    rows = tuple((each.rule, each.verdict, each.sentence) for each in found.reasons)
    tables = [Table(("Rule", "Verdict", "What was found"), rows)]
    recalls = tuple(
        (each.name, f"{each.n_images:,}", tell_number(each.champion), tell_number(each.challenger))
        for each in found.slices[:_MOST_CLASSES]
    )
    if recalls:
        heads = ("Class", "Images", "Recall of the champion", "Recall of this version")
        tables.append(Table(heads, recalls))
    left_out = _left_out(len(found.slices), "largest drop")
    return Chapter("Against the champion", tuple(facts), tuple(tables), left_out)


def costs_chapter(passport: Passport) -> Chapter:
    """Says how large and how fast everything is, as it was measured."""
    costs = passport.comparison.costs if passport.comparison else ()
    bento, image, parity = passport.bento, passport.image, passport.parity
    facts = [
        ("Bundle", tell_bytes(passport.model.bundle_bytes)),
        ("Serving graph", tell_bytes(passport.model.graph_bytes)),
        (
            "Parity",
            f"largest difference {parity.max_difference:.2g} on "
            f"{count(parity.n_images, 'image')}, allowed {parity.tolerance:.2g}",
        ),
        ("Latency of an image", f"{costs[0].latency_ms:.2f} ms" if costs else NOT_KNOWN),
        ("Memory of the graph", f"{costs[0].memory_mb:.0f} MB" if costs else NOT_KNOWN),
    ]
    for name, made in (("Bento", bento), ("Image", image)):
        facts += _packed(name, made)
    sentences: list[str] = []
    if bento is not None:
        sentences += bento.problems or ()
        if bento.differs:
            sentences.append(f"Two builds of this bento differ in {', '.join(bento.differs)}.")
    if image is not None:
        sentences += [image.sentence, *(image.problems or ()), *(image.not_checked or ())]
    return Chapter("Sizes and speed", tuple(facts), sentences=tuple(sentences))


def _packed(name: str, made: BentoPart | ImagePart | None) -> list[tuple[str, str]]:
    if made is None:
        return [(name, NOT_KNOWN)]
    if made.tag is None:
        return [(name, "none was built")]
    tested = None if made.passed is None else "passed" if made.passed else "not passed"
    cold = made.cold_start_s
    return [
        (name, made.tag),
        (f"{name} (digest)", tell(made.digest)),
        (f"{name}: size", tell_bytes(made.n_bytes)),
        (f"{name}: test", tell(tested)),
        (f"{name}: cold start", NOT_KNOWN if cold is None else f"{cold:.1f} s"),
        (f"{name}: memory", tell_bytes(made.memory_bytes)),
    ]


def _left_out(n_classes: int, shown: str) -> tuple[str, ...]:
    if n_classes <= _MOST_CLASSES:
        return ()
    told = f"Of {n_classes:,} classes the {_MOST_CLASSES} with the {shown} are shown"
    return (f"{told}; the JSON file has all.",)
