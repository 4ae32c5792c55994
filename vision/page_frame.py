"""The frame of a page that is one file and loads nothing: its head, its title and its style.

A frame is a template with ``$title``, ``$facts`` and the places that its content names. The style
of a page comes after that of the frame, so that it may say what differs.
"""

from __future__ import annotations

from string import Template

_BODY = """\
body { margin: 0 auto; max-width: 1200px; padding: 1.5rem;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
"""
_LIGHT = """\
:root { color-scheme: light; }
body { background: #fff; color: #1b1f24; }
"""
_THEMED = """\
:root {
  color-scheme: light dark;
  --ground: #f6f7f8; --card: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d5dae0;
  --wait-ground: #fff3c4; --wait-ink: #5f3b00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #131418; --card: #1c1e23; --ink: #ebecef; --soft: #a8adb8; --line: #363a43;
    --wait-ground: #362a12; --wait-ink: #f3c777;
  }
}
* { box-sizing: border-box; }
body { background: var(--ground); color: var(--ink); }
h1 { margin: 0; font-size: 1.5rem; overflow-wrap: anywhere; }
p { margin: .4rem 0; }
.facts, .soft, figcaption { color: var(--soft); }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
summary { cursor: pointer; }
"""


def themed_frame(style: str, content: str) -> Template:
    """Returns the frame of a page that follows the viewer's theme, light or dark.

    Args:
      style: what the page adds, in the colours ``--ground``, ``--card``, ``--ink``, ``--soft``,
        ``--line``, ``--wait-ground``, ``--wait-ink`` and its own.
      content: what stands below the title and the facts.
    """
    return _frame("light dark", _BODY + _THEMED + style, content)


def light_frame(style: str, content: str) -> Template:
    """Returns the frame of a page with dark text on light, whatever the viewer's theme is.

    Args:
      style: what the page adds.
      content: what stands below the title and the facts.
    """
    return _frame("light", _BODY + _LIGHT + style, content)


def _frame(scheme: str, style: str, content: str) -> Template:
    return Template(f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="color-scheme" content="{scheme}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
{style}</style>
</head>
<body>
<h1>$title</h1>
<p class="facts">$facts</p>
{content}</body>
</html>
""")
