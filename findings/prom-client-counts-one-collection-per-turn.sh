#!/usr/bin/env bash
# prom-client 15.1.3 on Node.js 20.20.2 (npm package node@20.20.2): nodejs_gc_duration_seconds leaves out most garbage collections
# of a busy process.
#
# What it does: collectDefaultMetrics(), then a document of about 1 MB is parsed 60 times without a pause. A PerformanceObserver
# beside it adds up every entry of every report it gets.
# What most people expect: the count of the histogram is the number of collections, and its sum is the time they took.
# What happens: Node reports all collections of one turn of the event loop together, and prom-client observes only the first entry
# of each report. The more a turn allocates, the more is missing: the graph of time spent in garbage collection stays flat during
# exactly the work that causes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund node@20.20.2 prom-client@15.1.3 >/dev/null
cat >collect.js <<'SCRIPT'
import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { collectDefaultMetrics, Registry } from 'prom-client'

const register = new Registry()
collectDefaultMetrics({ register })
const seen = { reports: 0, collections: 0, seconds: 0 }
new PerformanceObserver((list) => {
  seen.reports += 1
  for (const { duration } of list.getEntries()) {
    seen.collections += 1
    seen.seconds += duration / 1000
  }
}).observe({ entryTypes: ['gc'] })

const text = JSON.stringify(Array.from({ length: 20_000 }, (_, id) => ({ id, text: `message ${id} of a chat` })))
for (let i = 0; i < 60; i++) JSON.parse(text)
for (let turn = 0; turn < 100 && seen.reports === 0; turn++) await setTimeout(10)

const { values } = await register.getSingleMetric('nodejs_gc_duration_seconds').get()
const total = (end) => values.filter(({ metricName }) => metricName.endsWith(end)).reduce((sum, { value }) => sum + value, 0)
console.log(`Node: ${seen.collections} collections in ${seen.reports} report(s), ${seen.seconds.toFixed(4)} s`)
console.log(`prom-client: ${total('_count')} collections, ${total('_sum').toFixed(4)} s`)
process.exitCode = seen.collections >= 3 * seen.reports && total('_count') === seen.reports ? 0 : 1
SCRIPT
if ! node_modules/node/bin/node collect.js; then
  echo 'changed: prom-client counts every collection' >&2
  exit 1
fi
echo 'as described: one collection counted per report, however many it holds'
