"""The look of report.html."""

CSS = """
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --ink: #24292f; --soft: #5b6570; --line: #dfe3e8;
  --accent: #1f6fd1; --best: #e5effb; --up: #15825f; --down: #b8432a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12151a; --card: #1b1f26; --ink: #d8dee6; --soft: #97a1ad; --line: #323944;
    --accent: #6aa9f7; --best: #1d3550; --up: #4fc9a0; --down: #f08a70;
  }
  .pixels { filter: invert(1) hue-rotate(180deg); mix-blend-mode: screen; }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
}
main, header { max-width: 1120px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 36px; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.3rem; margin: 2.4rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0 0 .2rem; }
p { max-width: 76ch; margin: .4rem 0; }
nav { margin: .8rem 0 0; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
.facts {
  display: flex; flex-wrap: wrap; gap: 10px; padding: 0; margin: 1rem 0 0; list-style: none;
}
.facts li {
  background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 8px 14px;
}
.facts b { display: block; font-size: 1.15rem; }
.facts span { color: var(--soft); font-size: .85rem; }
figure, .card {
  background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 14px 16px; margin: 14px 0;
}
figure { overflow-x: auto; }
/* On a narrow screen a figure scrolls rather than shrinking its letters out of sight. */
figure img { display: block; max-width: max(100%, 640px); height: auto; margin: 0 auto; }
figure.pair img { margin: 10px 0 0; }
.scroll { overflow-x: auto; padding: 0; }
table {
  border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; width: 100%;
}
th, td { padding: 6px 10px; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { font-weight: 600; text-align: right; white-space: nowrap; vertical-align: bottom; }
thead th.model, tbody th, .stages th, .stages td { text-align: left; }
thead th.group { text-align: left; color: var(--soft); font-weight: 500; }
th.first, td.first { border-left: 1px solid var(--line); }
tbody th {
  font-weight: 600; white-space: nowrap; position: sticky; left: 0; background: var(--card);
}
.scores td { text-align: right; white-space: nowrap; }
.stages td.number, .stages th.number { text-align: right; white-space: nowrap; }
.stages th, .stages td { padding: 6px 8px; }
.stages th small { white-space: normal; max-width: 13rem; }
.stages td.words { min-width: 9rem; font-size: .85rem; }
td small, th small { display: block; font-weight: 400; font-size: .75rem; color: var(--soft); }
td small.up { color: var(--up); }
td small.down { color: var(--down); }
td.best { font-weight: 700; background: var(--best); }
tr.baseline th, tr.baseline td { color: var(--soft); font-weight: 400; }
tr.baseline + tr.trained > * { border-top: 2px solid var(--line); }
details summary { cursor: pointer; font-weight: 600; }
pre { overflow: auto; max-height: 70vh; font-size: .8rem; line-height: 1.4; margin: .8rem 0 0; }
footer { max-width: 1120px; margin: 2rem auto; padding: 0 20px 30px; }
"""
