#!/usr/bin/env bash
# prom-client 15.1.3: one answer in OpenMetrics renames every counter of the process for the answers in Prometheus text after it.
#
# What it does: a registry with the counter messages_total answers three times, as for two scrapers with different Accept headers:
# Prometheus text, OpenMetrics, Prometheus text, with setContentType() before each.
# What most people expect: the content type decides how the metrics are written; the first and the third answer are the same.
# What happens: for OpenMetrics, metrics() takes _total off the names of the counters themselves. The third answer has "messages"
# instead of "messages_total", so dashboards and alerts on the old name have no data, until the process is restarted and for as long
# as nobody asks for OpenMetrics (one look with curl is enough). The registry then finds the counter only under the name that it no
# longer writes, and merging it with a registry that has a gauge "messages" fails.
# An open pull request (prometheus/client_js#829) mentions the renaming in passing; 15.1.3 is the newest release.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund prom-client@15.1.3 >/dev/null
cat >answer.js <<'SCRIPT'
import { Counter, Gauge, Registry } from 'prom-client'

const registry = new Registry()
new Counter({ name: 'messages_total', help: 'messages', registers: [registry] }).inc(3)
const other = new Registry()
new Gauge({ name: 'messages', help: 'messages now', registers: [other] })
const merge = () => {
  try {
    Registry.merge([registry, other])
    return 'succeeds'
  } catch (error) {
    return `fails (${error.message})`
  }
}
const sample = async (type) => {
  registry.setContentType(type)
  return (await registry.metrics()).split('\n').find((line) => line.startsWith('messages'))
}

console.log(`text: ${await sample(Registry.PROMETHEUS_CONTENT_TYPE)}`)
console.log(`merge with a gauge "messages": ${merge()}`)
console.log(`OpenMetrics: ${await sample(Registry.OPENMETRICS_CONTENT_TYPE)}`)
console.log(`text again: ${await sample(Registry.PROMETHEUS_CONTENT_TYPE)}`)
console.log(`found under: ${['messages', 'messages_total'].filter((name) => registry.getSingleMetric(name)).join(', ')}`)
console.log(`merge with a gauge "messages": ${merge()}`)
SCRIPT
node answer.js | tee seen.txt

cat >expected.txt <<'TEXT'
text: messages_total 3
merge with a gauge "messages": succeeds
OpenMetrics: messages_total 3
text again: messages 3
found under: messages_total
merge with a gauge "messages": fails (A metric with the name messages has already been registered.)
TEXT
if ! diff expected.txt seen.txt; then
  echo 'changed: an answer in OpenMetrics leaves other answers as they are' >&2
  exit 1
fi
echo 'as described: the counter has another name after one answer in OpenMetrics'
