"""What a page would ask other places for, or run: nothing, where it is one file."""

from __future__ import annotations

import re

_LOADS = re.compile(r'<script|(?:src|href)="(?!data:)[^"]*|url\(|@import|https?:')


def what_it_loads(page: str) -> list[str]:
    """Returns the places of an HTML document that load or run something."""
    return _LOADS.findall(page)
