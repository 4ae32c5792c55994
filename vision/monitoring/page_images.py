"""The example images of the monitoring page."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vision.monitoring.report import VersionReport
from vision.monitoring.report_parts import ExampleReport
from vision.validation.shorten import shorten
from vision.wording import one_line

_HEADINGS = {
    "drifted": "Furthest from the reference images",
    "unsure": "Most unsure",
    "disagrees": "Surest where people say otherwise",
}
_BUDGET_BYTES = 2_000_000


@dataclass
class Pictures:
    """Hands out pictures as data URIs until the page has enough of them."""

    thumbnail: Callable[[str], bytes | None] | None
    left_bytes: int = _BUDGET_BYTES
    made: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path | None) -> Pictures:
        """Returns the pictures of a folder, none of one that is not there."""
        if folder is None or not folder.is_dir():
            return cls(None)
        # Loads OpenCV, which a page without pictures does not need.
        from vision.validation.thumbnails import thumbnails_from

        return cls(thumbnails_from(folder))

    def source(self, path: str | None) -> str | None:
        """Returns a picture as a data URI, or None where it cannot be shown."""
        if path is None or self.thumbnail is None or self.left_bytes <= 0:
            return None
        if path not in self.made:
            png = self.thumbnail(path)
            encoded = base64.b64encode(png).decode("ascii") if png else ""
            self.made[path] = f"data:image/png;base64,{encoded}" if encoded else ""
            self.left_bytes -= len(self.made[path])
        return self.made[path] or None


def examples(version: VersionReport, pictures: Pictures) -> str:
    """Returns the predictions to look at, those of each reason in a row of their own."""
    rows = []
    any_kept = False
    for reason, heading in _HEADINGS.items():
        shown = version.examples.get(reason, ())
        any_kept = any_kept or any(each.image for each in shown)
        if shown:
            tiles = "".join(_tile(each, pictures) for each in shown[:8])
            rows.append(
                f'<section class="card"><h3>{heading}</h3><div class="images">{tiles}</div>'
                "</section>"
            )
    if not rows:
        return ""
    if any_kept:
        return "".join(rows)
    # Without a single picture the rows are long and say little: they can be unfolded.
    return (
        '<details class="card"><summary>Predictions to look at; no image of them was kept '
        "(VISIONSTACK_LOG_IMAGES of the service is the share of images that are)</summary>"
        f"{''.join(rows)}</details>"
    )


def _tile(each: ExampleReport, pictures: Pictures) -> str:
    source = pictures.source(each.image)
    # The caption under it says what it is; a second time would only be read out twice.
    picture = f'<img src="{source}" alt="">' if source else '<div class="blank">no picture</div>'
    said = [f"<b>{_name(each.label)}</b> {each.probability:.2f}"]
    if each.true_labels:
        said.append(f"people: {_name(', '.join(each.true_labels))}")
    if each.distance is not None:
        said.append(f"distance {each.distance:.2f}")
    said.append(f"{each.time:%m-%d %H:%M}")
    caption = f'<figcaption title="request {_name(each.request_id)}">{"<br>".join(said)}'
    return f"<figure>{picture}{caption}</figcaption></figure>"


def _name(text: str) -> str:
    return html.escape(shorten(one_line(text), 48))
