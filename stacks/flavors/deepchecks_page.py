"""Joins the parts of Deepchecks' page into one document that is the same for the same table."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Sequence

_RANDOM_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\bT_[0-9a-f]{5}(?=[_\"\s])"
)
_CAMPAIGN = re.compile(r"\?utm_source=[^\"\s>]*")
_STYLE = """<style>
body { margin: 0; padding: 1rem; background: #fff; color: #1b1f24;
  font: 14px/1.5 system-ui, sans-serif; }
td, th { overflow-wrap: anywhere; text-align: left !important; }
</style>"""


def join_parts(libraries: str, parts: Sequence[str]) -> str:
    """Returns one document.

    Args:
      libraries: script elements that the charts need.
      parts: what each suite shows, in order.
    """
    page = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="color-scheme" content="light">{_STYLE}</head>'
        f"<body>{libraries}{'<hr>'.join(parts)}</body></html>"
    )
    numbers: defaultdict[str, int] = defaultdict(itertools.count().__next__)
    page = _RANDOM_ID.sub(lambda found: f"id-{numbers[found.group()]}", page)
    return _CAMPAIGN.sub("", page)
