#!/usr/bin/env bash
# simple-ascii-chart 5.4.0: a tick above the highest value loses its leading digits, so the axis shows another number.
#
# What it does: values from 0 to 80 on an axis from 0 to 10,000 with the ticks 0, 5000 and 10000 (yRange, customYAxisTicks), and
# values from 0 to 8 per cent on an axis from 0 to 100 with the ticks 0, 50 and 100: a scale that is the same every day.
# What most people expect: the numbers that were given as ticks.
# What happens: the column of the axis is as wide as the values need, not the ticks, and what does not fit is cut on the left,
# without a sign of it: 5000 and 10000 both read "000", 100 reads "00". With showTickLabel ("show full tick labels") a label of its
# own and the tick 100 are written over each other in one row, and the axis from 0 to 100 reads 183.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund simple-ascii-chart@5.4.0 >/dev/null
cat >draw.js <<'SCRIPT'
import { plot } from 'simple-ascii-chart'

const size = { width: 20, height: 6, formatter: (value) => String(Math.round(value)) }
const axis = (chart) => chart.split('\n').filter((line) => line.includes('┤')).map((line) => line.split('┤')[0].trim())
const draw = (values, ticks, options = {}) => {
  const points = values.map((value, at) => [at, value])
  const chart = plot(points, { ...size, ...options, yRange: [0, ticks.at(-1)], customYAxisTicks: ticks })
  console.log(`ticks ${ticks.join(', ')} with values up to ${Math.max(...values)}: ${axis(chart).reverse().join(', ')}`)
}
draw([0, 4000, 10000], [0, 5000, 10000])
draw([0, 40, 80], [0, 5000, 10000])
draw([0, 4, 8], [0, 50, 100])
draw([0, 4, 8], [0, 50, 100], { showTickLabel: true })
SCRIPT
node draw.js | tee seen.txt

cat >expected.txt <<'TEXT'
ticks 0, 5000, 10000 with values up to 10000: 0, 5000, 10000
ticks 0, 5000, 10000 with values up to 80: 0, 000, 000
ticks 0, 50, 100 with values up to 8: 0, 50, 00
ticks 0, 50, 100 with values up to 8: 0, 17, 33, 50, 67, 183
TEXT
if ! diff expected.txt seen.txt; then
  echo 'changed: other ticks are written' >&2
  exit 1
fi
echo 'as described: the axis does not show the numbers of its ticks'
