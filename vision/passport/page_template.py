"""How a passport's page looks, on a screen and on A4 paper, and where its parts stand."""

from __future__ import annotations

from vision.page_frame import themed_frame

_STYLE = """\
@page { size: A4; margin: 15mm 14mm; }
:root { --good: #0b6e4f; --bad: #b42318; }
@media (prefers-color-scheme: dark) {
  :root { --good: #74d19c; --bad: #ff8d85; }
}
body { max-width: 1000px; }
h2 { margin: 0 0 .6rem; font-size: 1.15rem; }
p { overflow-wrap: anywhere; }
.tiles { display: grid; gap: .8rem; margin: 1rem 0; padding: 0; list-style: none;
  grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); }
.tiles li, section { border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
.tiles li { padding: .6rem .8rem; min-width: 0; }
.tiles b { display: block; font-size: 1.1rem; overflow-wrap: anywhere; }
.tiles span { color: var(--soft); font-size: .85rem; }
.unknown { margin: 1rem 0; padding: .6rem 1rem; border-radius: 8px;
  background: var(--wait-ground); color: var(--wait-ink); }
section { margin: 0 0 1rem; padding: 1rem; min-width: 0; }
dl { display: grid; grid-template-columns: minmax(9rem, max-content) minmax(0, 1fr);
  gap: .2rem 1rem; margin: 0 0 .6rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.none { color: var(--soft); font-style: italic; white-space: nowrap; }
.passed, .promote { color: var(--good); } .failed, .reject { color: var(--bad); font-weight: 600; }
.wide { overflow-x: auto; margin: .6rem 0; }
table { font-size: .9rem; }
th, td { padding: .25rem .5rem; overflow-wrap: break-word; }
td:first-child { min-width: 5rem; max-width: 16rem; }
td.number, th.number { text-align: right; white-space: nowrap; }
figure { margin: .8rem 0; }
img { display: block; max-width: 100%; height: auto; padding: .3rem; background: #fff;
  border-radius: 6px; }
figcaption { font-size: .85rem; }
summary { color: var(--soft); }
pre { overflow-x: auto; max-height: 30rem; padding: .6rem; border: 1px solid var(--line);
  border-radius: 6px; font-size: .8rem; }
@media (max-width: 40rem) {
  dl { grid-template-columns: minmax(0, 1fr); } dd { margin: 0 0 .4rem; }
}
@media print {
  :root { color-scheme: light; --ground: #fff; --card: #fff; --ink: #000; --soft: #444;
    --line: #bbb; --good: #0b6e4f; --bad: #b42318; --wait-ground: #fff; --wait-ink: #000; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  section { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: .5rem 0; }
  .unknown { border: 1px solid var(--line); }
  h2 { break-after: avoid; } tr, figure, .tiles, dl > div { break-inside: avoid; }
  thead { display: table-header-group; } .wide { overflow: visible; }
  .tiles { grid-template-columns: repeat(5, 1fr); gap: .4rem; }
  table { font-size: 8.5pt; } img { max-height: 210mm; margin: 0 auto; padding: 0; }
  details { display: none; }
}
"""
_CONTENT = """\
$head
$chapters
"""

PAGE = themed_frame(_STYLE, _CONTENT)
