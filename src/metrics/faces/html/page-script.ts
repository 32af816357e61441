/**
 * Draws the charts with uPlot, in the colours of the page, and again when they or the width change. In a browser that runs no
 * scripts the tables say the same.
 */
export const PAGE_SCRIPT = `
'use strict';
const charts = JSON.parse(document.getElementById('charts').textContent);
// A4 without its margins, in CSS pixels.
const PAPER = 680;
const DASHES = [[], [8, 4], [2, 4], [12, 4, 2, 4]];
const scaled = (value, steps) => {
  const [size, unit] = steps.find(([least]) => Math.abs(value) >= least) || steps[steps.length - 1];
  return Number((value / size).toPrecision(3)).toLocaleString('en-US') + unit;
};
const FORMATS = {
  count: (value) => value.toLocaleString('en-US', { maximumFractionDigits: 1 }),
  ratio: (value) => Number((value * 100).toPrecision(3)).toLocaleString('en-US') + ' %',
  bytes: (value) => scaled(value, [[1e12, ' TB'], [1e9, ' GB'], [1e6, ' MB'], [1e3, ' kB'], [1, ' B']]),
  seconds: (value) => scaled(value, [[86400, ' d'], [3600, ' h'], [60, ' min'], [1, ' s']]),
};
// Steps of an axis that are whole in their unit.
const SECONDS = [0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 864000, 8640000];
const time = (seconds) => new Date(seconds * 1e3).toISOString().slice(0, 16).replace('T', ' ');
const drawn = [];
const draw = (isPaper) => {
  drawn.splice(0).forEach((plot) => plot.destroy());
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => (isPaper && PRINTED[name]) || style.getPropertyValue(name).trim();
  for (const { id, unit, times, series } of charts) {
    const place = document.getElementById(id);
    const format = FORMATS[unit];
    const axis = { stroke: colour('--text'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line') } };
    drawn.push(new uPlot({
      width: isPaper ? PAPER : place.clientWidth,
      height: 240,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), 'UTC'),
      cursor: { drag: { x: false, y: false } },
      legend: { markers: { dash: (plot, index) => (index > 1 ? 'dashed' : 'solid') } },
      scales: { y: { range: (plot, least, most) => [Math.min(0, least || 0), (most || 1) * 1.05] } },
      axes: [
        { ...axis, values: TIMES },
        { ...axis, size: 76, ...(unit === 'seconds' && { incrs: SECONDS }), values: (plot, values) => values.map((value) => (value === null ? '' : format(value))) },
      ],
      series: [
        { label: 'UTC', value: (plot, seconds) => (seconds === null ? '–' : time(seconds)) },
        ...series.map(({ label }, index) => ({
          label,
          stroke: colour('--series-' + (index % 4 + 1)),
          dash: DASHES[index % 4],
          width: 2,
          paths: uPlot.paths.stepped({ align: 1 }),
          points: { size: 5, fill: colour('--series-' + (index % 4 + 1)) },
          value: (plot, value) => (value === null || value === undefined ? '–' : format(value)),
        })),
      ],
    }, [times, ...series.map(({ values }) => values)], place));
  }
};
// Times of day, with the date where it begins and where it changes.
const TIMES = [
  [31536000, '{YYYY}', null, null, null, null, null, null, 1],
  [2419200, '{YYYY}-{MM}', null, null, null, null, null, null, 1],
  [86400, '{MM}-{DD}', '\\n{YYYY}', null, null, null, null, null, 1],
  [3600, '{HH}:{mm}', '\\n{YYYY}-{MM}-{DD}', null, '\\n{MM}-{DD}', null, null, null, 1],
  [60, '{HH}:{mm}', '\\n{YYYY}-{MM}-{DD}', null, '\\n{MM}-{DD}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', '\\n{YYYY}-{MM}-{DD}', null, '\\n{MM}-{DD}', null, null, null, 1],
];
const PRINTED = { '--text': '#000000', '--line': '#bbbbbb', '--series-1': '#0550ae', '--series-2': '#bc4c00', '--series-3': '#1a7f37', '--series-4': '#8250df' };
let width = 0;
const redraw = () => { width = innerWidth; draw(false); };
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
addEventListener('resize', () => { if (innerWidth !== width) redraw(); });
addEventListener('beforeprint', () => draw(true));
addEventListener('afterprint', redraw);
redraw();
`
