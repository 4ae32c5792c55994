"""The page of a passport: one HTML file, no script, no network, good on paper too.

Order: the few numbers that people ask for first, what is not known, then the chapters. Names come
from folders, configurations and packages, so everything is escaped.
"""

from __future__ import annotations

import base64
import html
import re

from vision.passport.chapters import Chapter, Table
from vision.passport.describe import (
    CODE_TITLE,
    COMPARISON_TITLE,
    PACKAGES_TITLE,
    POWER_TITLE,
    chapters,
    find_unknown,
)
from vision.passport.page_template import PAGE
from vision.passport.passport import Passport
from vision.passport.wording import NOT_KNOWN, tell_bytes, tell_interval, tell_number, tell_time
from vision.validation.shorten import shorten
from vision.wording import one_line

_COLOURED = ("passed", "failed", "promote", "reject")
_NUMBER = re.compile(r"^[+-]?[\d,.]+(?: ?%)?$|^[\d.]+ to [\d.]+$")
_LONGEST_TEXT = 2_000


def write_page(passport: Passport) -> str:
    """Returns the page; everything on it is in the passport."""
    return PAGE.substitute(
        title=f"Passport of {_text(passport.name)} {_text(passport.version)}",
        facts=html.escape(f"Made {tell_time(passport.created_at)}"),
        head=_tiles(passport) + _unknown(passport),
        chapters="".join(_chapter(passport, chapter) for chapter in chapters(passport)),
    )


def _tiles(passport: Passport) -> str:
    compared, image = passport.comparison, passport.image
    is_image = image is not None and image.tag is not None
    packed = image if is_image else passport.bento
    costs = compared.costs if compared else ()
    shown = [
        (each.name, tell_number(each.value), tell_interval(each.low, each.high))
        for each in passport.evaluation.metrics[:2]
    ]
    shown += [
        ("verdict", compared.verdict if compared else NOT_KNOWN, "against the champion"),
        ("latency", f"{costs[0].latency_ms:.2f} ms" if costs else NOT_KNOWN, "of one image"),
        (
            "size",
            tell_bytes(packed.n_bytes if packed else None),
            "image" if is_image else "bento",
        ),
    ]
    items = (
        f"<li>{_text(name)}<b>{_text(value)}</b><span>{_text(note)}</span></li>"
        for name, value, note in shown
    )
    return f'<ul class="tiles">{"".join(items)}</ul>'


def _unknown(passport: Passport) -> str:
    names = find_unknown(passport)
    if not names:
        return ""
    return f'<p class="unknown"><strong>Not known.</strong> {_text("; ".join(names))}.</p>'


def _chapter(passport: Passport, chapter: Chapter) -> str:
    facts = "".join(f"<dt>{_text(name)}</dt><dd>{_value(v)}</dd>" for name, v in chapter.facts)
    parts = [
        f"<h2>{_text(chapter.title)}</h2>",
        f"<dl>{facts}</dl>" if facts else "",
        *(_table(table) for table in chapter.tables if table.rows),
        *(f'<p class="soft">{_text(sentence)}</p>' for sentence in chapter.sentences),
        _figure(passport, chapter.title),
        _details(passport, chapter.title),
    ]
    return f"<section>{''.join(parts)}</section>"


def _table(table: Table) -> str:
    columns = zip(*table.rows, strict=True)
    is_number = [all(_NUMBER.match(c) or c == NOT_KNOWN for c in column) for column in columns]
    kinds = [' class="number"' if number else "" for number in is_number]
    head = "".join(f"<th{k}>{_text(h)}</th>" for h, k in zip(table.heads, kinds, strict=True))
    rows = (
        "".join(_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True))
        for row in table.rows
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    whole = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{whole}</table></div>'


def _cell(cell: str, kind: str) -> str:
    kind = f' class="{cell}"' if cell in _COLOURED else kind
    return f"<td{kind}>{_value(cell)}</td>"


def _figure(passport: Passport, title: str) -> str:
    # They draw with matplotlib, which the numbers alone do not need.
    if title == POWER_TITLE and passport.power is not None:
        from vision.drift.power_figures import power_map

        caption = "Windows in which drift was found, in percent; what is promised is bold"
        return _picture(power_map(passport.power), caption)
    if title == COMPARISON_TITLE and passport.comparison and passport.comparison.slices:
        from vision.comparison.figures import slice_chart

        return _picture(slice_chart(passport.comparison), "Recall of each class, before and after")
    return ""


def _picture(png: bytes, caption: str) -> str:
    source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    return (
        f'<figure><img alt="{html.escape(caption)}" src="{source}">'
        f"<figcaption>{html.escape(caption)}.</figcaption></figure>"
    )


def _details(passport: Passport, title: str) -> str:
    if title == PACKAGES_TITLE and passport.sbom is not None:
        rows = tuple(
            (each.name, each.version or NOT_KNOWN, " and ".join(each.licences) or NOT_KNOWN)
            for each in passport.sbom.components
        )
        table = _table(Table(("Component", "Version", "Licence"), rows)) if rows else ""
        return f"<details><summary>Every component</summary>{table}</details>"
    if title == CODE_TITLE:
        codes = (("trained", passport.trained_with), ("served", passport.packed_with))
        return "".join(_patch(name, code.patch) for name, code in codes if code.patch)
    return ""


def _patch(name: str, patch: str) -> str:
    lines = "\n".join(one_line(line) for line in patch.splitlines())
    return (
        f"<details><summary>Changes in no commit of the code that {name} it</summary>"
        f"<pre>{html.escape(lines)}</pre></details>"
    )


def _value(text: str) -> str:
    return f'<span class="none">{NOT_KNOWN}</span>' if text == NOT_KNOWN else _text(text)


def _text(text: str) -> str:
    return html.escape(one_line(shorten(text, _LONGEST_TEXT)))
