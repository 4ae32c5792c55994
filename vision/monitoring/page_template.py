"""How the monitoring page looks and where its parts stand; it follows the viewer's theme."""

from __future__ import annotations

from vision.page_frame import themed_frame

_STYLE = """\
:root {
  --reference: #c3cad3; --zone: #fbe7e5; --band: #cfdcf7;
  --s0: #2457c5; --s1: #b35900; --s2: #18794e; --s3: #8a3ab9; --s4: #6b6f76; --bad: #c02b26;
  --ok-ground: #dafbe1; --ok-ink: #044f1e; --drift-ground: #ffe3e0; --drift-ink: #82071e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --reference: #4d535f; --zone: #3b2021; --band: #263759;
    --s0: #8fb2ff; --s1: #f2ae5c; --s2: #74d19c; --s3: #cf9cf0; --s4: #b4b9c2; --bad: #ff8d85;
    --ok-ground: #17301f; --ok-ink: #9be3b6; --drift-ground: #431d1c; --drift-ink: #ffb3ad;
  }
}
h2 { margin: 2rem 0 .6rem; font-size: 1.2rem; overflow-wrap: anywhere; }
h3 { margin: 0 0 .5rem; font-size: 1rem; }
.small { font-size: .85rem; }
.verdict { margin: .8rem 0; padding: .8rem 1rem; border-radius: 8px; overflow-wrap: anywhere; }
.verdict b { font-size: 1.1rem; }
.ok { background: var(--ok-ground); color: var(--ok-ink); }
.drift, .error { background: var(--drift-ground); color: var(--drift-ink); }
.too_few, .no_traffic { background: var(--wait-ground); color: var(--wait-ink); }
.cards { display: grid; gap: 1rem; margin-bottom: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); }
.card { margin: 0 0 1rem; padding: 1rem; border: 1px solid var(--line); border-radius: 8px;
  background: var(--card); min-width: 0; }
.cards .card { margin: 0; }
.grid { display: grid; gap: .8rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 15.5rem), 1fr)); }
.tile { margin: 0; min-width: 0; }
.tile h4 { margin: 0 0 .15rem; font-size: .9rem; }
.tile.moved h4::after { content: "moved"; margin-left: .5rem; padding: .05rem .45rem;
  border-radius: 1rem; background: var(--drift-ground); color: var(--drift-ink);
  font-size: .75rem; }
.images { display: flex; flex-wrap: wrap; gap: .8rem; }
.images figure { margin: 0; width: 128px; }
.images img, .blank { width: 128px; height: 128px; border: 1px solid var(--line);
  border-radius: 4px; }
.images img { object-fit: contain; image-rendering: pixelated; }
.blank { display: flex; align-items: center; justify-content: center; color: var(--soft);
  font-size: .75rem; text-align: center; }
figcaption { font-size: .78rem; line-height: 1.35; overflow-wrap: anywhere; }
th, td { padding: .3rem .6rem; overflow-wrap: anywhere; }
td .badge { padding: .05rem .5rem; border-radius: 1rem; white-space: nowrap; }
.scroll { overflow-x: auto; }
.scroll svg { min-width: 38rem; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem; }
.key span { display: inline-flex; align-items: center; gap: .35rem; }
.key i { width: 1rem; height: .25rem; border-radius: 2px; background: currentColor; }
.key i.fill { height: .8rem; }
.k0 i { color: var(--s0); } .k1 i { color: var(--s1); } .k2 i { color: var(--s2); }
.k3 i { color: var(--s3); } .k4 i { color: var(--s4); } .kbad i { color: var(--bad); }
.kref i { color: var(--reference); } .kink i { color: var(--ink); }
.kzone i { color: var(--zone); outline: 1px solid var(--line); }
svg { display: block; width: 100%; height: auto; fill: none; }
svg text { fill: var(--ink); font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
svg .tick, svg .name { fill: var(--soft); }
svg .rule { stroke: var(--line); stroke-width: 1; }
svg .axis { stroke: var(--soft); stroke-width: 1; }
svg .limit { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 6 4; }
svg .estimate { stroke: var(--s1); stroke-width: 1.5; stroke-dasharray: 2 4; }
svg .mark { stroke: var(--ink); stroke-width: 2.5; }
svg .zone { fill: var(--zone); } svg .band { fill: var(--band); }
svg .reference { fill: var(--reference); } svg .bar { fill: var(--s0); opacity: .55; }
svg .series { stroke-width: 2; stroke-linejoin: round; }
svg .whisker { stroke-width: 2; } svg .whisker.ink { stroke: var(--ink); stroke-width: 1.2; }
svg .series.s0, svg .whisker.s0 { stroke: var(--s0); } svg .series.s1 { stroke: var(--s1); }
svg .series.s2 { stroke: var(--s2); } svg .series.s3 { stroke: var(--s3); }
svg .series.s4 { stroke: var(--s4); }
svg .point { stroke: var(--card); stroke-width: 1; } svg .point.s0 { fill: var(--s0); }
svg .point.s1 { fill: var(--s1); } svg .point.s2 { fill: var(--s2); }
svg .point.s3 { fill: var(--s3); } svg .point.s4 { fill: var(--s4); }
svg .point.bad { fill: var(--bad); }
"""
_CONTENT = """\
$versions
$history
"""

PAGE = themed_frame(_STYLE, _CONTENT)
