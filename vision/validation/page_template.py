"""How the validation page looks and where its parts stand; it is light in any theme."""

from __future__ import annotations

from vision.page_frame import light_frame

_STYLE = """\
h1 { margin: 0 0 .25rem; font-size: 1.6rem; }
h2 { margin: 2rem 0 .75rem; padding-bottom: .25rem; border-bottom: 1px solid #d0d7de;
  font-size: 1.2rem; }
h3 { margin: 0; font-size: 1rem; }
.facts { margin: 0; color: #57606a; }
.verdict { padding: .6rem .9rem; border-radius: 6px; font-weight: 600; }
.verdict.error { background: #ffebe9; color: #82071e; }
.verdict.warning { background: #fff8c5; color: #633c01; }
.verdict.info { background: #dafbe1; color: #044f1e; }
.card { margin: 0 0 1rem; padding: .8rem 1rem; border: 1px solid #d0d7de; border-left-width: 6px;
  border-radius: 6px; }
.card p { margin: .4rem 0; }
.card.error { border-left-color: #cf222e; }
.card.warning { border-left-color: #bf8700; }
.badge { padding: .05rem .5rem; border-radius: 1rem; color: #fff; font-size: .75rem;
  text-transform: uppercase; }
.error .badge { background: #cf222e; }
.warning .badge { background: #7d5600; }
.info .badge { background: #57606a; }
.value { float: right; font-variant-numeric: tabular-nums; }
.card p, .verdict, td, li { overflow-wrap: anywhere; }
.grid { display: flex; flex-wrap: wrap; gap: .8rem; margin-top: .6rem; }
figure { margin: 0; width: 128px; }
figure img, .blank { box-sizing: border-box; width: 128px; height: 128px;
  border: 1px solid #d0d7de; background: #f6f8fa; }
figure img { object-fit: contain; image-rendering: pixelated; }
.blank { display: flex; align-items: center; justify-content: center; color: #57606a;
  font-size: .75rem; }
figcaption { font-size: .75rem; line-height: 1.35; }
.path { display: block; overflow: hidden; color: #57606a; text-overflow: ellipsis;
  white-space: nowrap; direction: rtl; text-align: left; unicode-bidi: plaintext; }
.note { color: #1b1f24; overflow-wrap: anywhere; }
li .note::before { content: "\\2013 \\00a0"; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid #d0d7de; text-align: left;
  vertical-align: top; }
td.error { color: #82071e; font-weight: 600; }
td.info { color: #044f1e; font-weight: 600; }
code { font-size: .9em; }
details { margin-top: .5rem; }
iframe { box-sizing: border-box; width: 100%; height: 900px; border: 1px solid #d0d7de;
  border-radius: 6px; background: #fff; }
"""
_CONTENT = """\
$verdict
<h2>Findings</h2>
$findings
<h2>Gates</h2>
$gates
$within
$section
"""

PAGE = light_frame(_STYLE, _CONTENT)
