/** Colours that differ in lightness, too; on paper those of the light scheme. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --back: #ffffff; --text: #1b1f24; --soft: #57606a; --line: #d0d7de; --head: #f6f8fa;
  --ok: #1a7f37; --warning: #9a6700; --critical: #cf222e; --unknown: #57606a;
  --series-1: #0550ae; --series-2: #bc4c00; --series-3: #1a7f37; --series-4: #8250df;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0d1117; --text: #e6edf3; --soft: #9198a1; --line: #3d444d; --head: #151b23;
    --ok: #3fb950; --warning: #d29922; --critical: #f85149; --unknown: #9198a1;
    --series-1: #58a6ff; --series-2: #f0883e; --series-3: #3fb950; --series-4: #bc8cff;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem; max-width: 60rem; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0 .75rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; }
dt, .soft { color: var(--soft); }
dd { margin: 0; }
ul { margin: .25rem 0; padding-left: 1.25rem; }
.verdict { margin: 1rem 0; padding: .5rem 1rem; border-left: .4rem solid var(--line); background: var(--head); }
.ok { border-color: var(--ok); } .warning { border-color: var(--warning); }
.critical { border-color: var(--critical); } .unknown { border-color: var(--unknown); }
.state { font-weight: 700; }
.ok .state { color: var(--ok); } .warning .state { color: var(--warning); }
.critical .state { color: var(--critical); } .unknown .state { color: var(--unknown); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .95rem; }
th, td { padding: .25rem .5rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { background: var(--head); }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tbody th { font-weight: 400; min-width: 8rem; overflow-wrap: break-word; }
@media (max-width: 30rem) { body { font-size: 14px; } table { font-size: .85rem; } th, td { padding: .25rem; } tbody th { min-width: 6rem; } }
section { break-inside: avoid; }
figure { margin: .5rem 0; }
.chart { min-height: 15rem; }
details { margin: .25rem 0; }
.uplot { font: inherit; max-width: 100%; }
.uplot .u-legend { width: auto; font-size: .9rem; }
.u-legend th, .u-legend td { border: 0; }
@page { size: A4; margin: 15mm; }
@media print {
  :root {
    color-scheme: light;
    --back: #ffffff; --text: #000000; --soft: #444444; --line: #bbbbbb; --head: #f4f4f4;
    --ok: #1a7f37; --warning: #9a6700; --critical: #cf222e; --unknown: #57606a;
    --series-1: #0550ae; --series-2: #bc4c00; --series-3: #1a7f37; --series-4: #8250df;
  }
  body { padding: 0; max-width: none; font-size: 10pt; print-color-adjust: exact; }
  details:not([open]) { display: none; }
  h2 { break-after: avoid; }
  tr { break-inside: avoid; }
  thead { display: table-header-group; }
}
`
