"""The frame of a passport's page: light or dark on a screen, A4 on paper."""

from __future__ import annotations

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
@page { size: A4; margin: 15mm 14mm; }
:root {
  color-scheme: light dark;
  --ground: #f6f7f8; --card: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d5dae0;
  --good: #0b6e4f; --bad: #b42318; --wait-ground: #fff3c4; --wait-ink: #5f3b00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #131418; --card: #1c1e23; --ink: #ebecef; --soft: #a8adb8; --line: #363a43;
    --good: #74d19c; --bad: #ff8d85; --wait-ground: #362a12; --wait-ink: #f3c777;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1000px; padding: 1.5rem; background: var(--ground);
  color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { margin: 0; font-size: 1.5rem; overflow-wrap: anywhere; }
h2 { margin: 0 0 .6rem; font-size: 1.15rem; }
p { margin: .4rem 0; overflow-wrap: anywhere; }
.facts, .soft { color: var(--soft); }
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
table { width: 100%; border-collapse: collapse; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .5rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; overflow-wrap: break-word; }
td:first-child { min-width: 5rem; max-width: 16rem; }
td.number, th.number { text-align: right; white-space: nowrap; }
figure { margin: .8rem 0; }
img { display: block; max-width: 100%; height: auto; padding: .3rem; background: #fff;
  border-radius: 6px; }
figcaption { color: var(--soft); font-size: .85rem; }
summary { cursor: pointer; color: var(--soft); }
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
</style>
</head>
<body>
<h1>$title</h1>
<p class="facts">$facts</p>
$head
$chapters
</body>
</html>
"""
