#!/usr/bin/env bash
# prom-client 15.1.3: two time series whose label values contain commas can become one.
#
# What it does: a counter and a gauge with the labels "room" and "topic" get values for two different pairs of labels:
# room="a", topic="b,topic:c" and room="a,topic:b", topic="c". Label values may hold any Unicode character.
# What most people expect: two samples each, as the two pairs differ.
# What happens: a sample is kept under its labels, joined as name:value and commas without quoting, and both pairs give the same
# text. The gauge keeps the last value and the last labels; the counter adds both up under the labels that came first. One series
# is missing and the other is wrong, without an error; remove() of one pair also removes the other.
# prometheus/client_js#682 is about names of labels with a colon, not about values.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund prom-client@15.1.3 >/dev/null
cat >series.js <<'SCRIPT'
import { Counter, Gauge, Registry } from 'prom-client'

const registry = new Registry()
const settings = { help: 'by room and topic', labelNames: ['room', 'topic'], registers: [registry] }
const first = { room: 'a', topic: 'b,topic:c' }
const second = { room: 'a,topic:b', topic: 'c' }
const gauge = new Gauge({ ...settings, name: 'members' })
gauge.set(first, 1)
gauge.set(second, 20)
const counter = new Counter({ ...settings, name: 'messages_total' })
counter.inc(first, 1)
counter.inc(second, 20)
console.log((await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#')).join('\n'))
gauge.remove(first)
console.log(`after the first is removed: ${(await gauge.get()).values.length} members left`)
SCRIPT
node series.js | tee seen.txt

cat >expected.txt <<'TEXT'
members{room="a,topic:b",topic="c"} 20
messages_total{room="a",topic="b,topic:c"} 21
after the first is removed: 0 members left
TEXT
if ! diff expected.txt seen.txt; then
  echo 'changed: both time series are kept' >&2
  exit 1
fi
echo 'as described: of two time series only one is left'
