import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { metrics } from '../../../../src/metrics/index.js'
import { DEFAULTS } from '../../../../src/metrics/thresholds/defaults.js'
import { parseConfig } from '../../../../src/metrics/thresholds/parse-config.js'
import { readTable } from '../../../../src/metrics/thresholds/threshold-table.js'
import { parseThreshold } from '../../../../src/metrics/thresholds/threshold.js'
import { metricOf } from './made-metrics.js'

const known = [
  metricOf('connections_used_ratio', 'ratio'),
  metricOf('table_bytes', 'bytes', ['table', 'kind']),
  metricOf('guest_messages'),
]

describe('a threshold of a flag', () => {
  test.for([
    ['guest_messages=10', 'guest_messages', {}],
    ['table_bytes{table=ChatMessage}=10GB', 'table_bytes', { table: 'ChatMessage' }],
    ['table_bytes{ table = "ChatMessage", kind=x y }=10GB', 'table_bytes', { table: 'ChatMessage', kind: 'x y' }],
    [String.raw`table_bytes{table="a=\"b\",}",kind=}=10GB`, 'table_bytes', { table: 'a="b",}', kind: '' }],
  ] as const)('%s', ([text, metric, labels]) => {
    expect(parseThreshold(text, 'warn', known)).toMatchObject({ value: { metric, labels, level: 'warn' } })
  })

  test.for([
    ['guest_messages', 'is not of the form name=RANGE or name{label=value}=RANGE'],
    ['guest_messages:10', 'is not of the form name=RANGE or name{label=value}=RANGE'],
    ['=10', 'is not of the form name=RANGE or name{label=value}=RANGE'],
    ['table_bytes{table=a=10', 'is not of the form name=RANGE or name{label=value}=RANGE'],
    ['guest_mesages=10', 'unknown metric "guest_mesages"; did you mean guest_messages?'],
    [
      'something_else=10',
      'unknown metric "something_else"; write connections_used_ratio, table_bytes or guest_messages',
    ],
    ['guest_messages{table=a}=10', 'guest_messages has no labels'],
    ['table_bytes{tabel=a}=10GB', 'unknown label of table_bytes "tabel"; write table or kind'],
    ['table_bytes{table}=10GB', '{table} is not of the form {label=value} or {label="value"}'],
    ['table_bytes{}=10GB', '{} is not of the form {label=value} or {label="value"}'],
    [
      'guest_messages=',
      '"" is no range of counts: write 20 (alert above), 10: (below), 10:20 (outside) or @10:20 (inside)',
    ],
    [
      'guest_messages=10GB',
      '"10GB" is no range of counts: write 20 (alert above), 10: (below), 10:20 (outside) or @10:20 (inside)',
    ],
    [
      'connections_used_ratio=80',
      '"80" is no range of ratios: write 95% (alert above), 80%: (below), 80%:95% (outside) or @80%:95% (inside)',
    ],
  ] as const)('%s: %s', ([text, mistake]) => {
    expect(parseThreshold(text, 'warn', known)).toEqual({ mistake })
  })
})

test('the defaults are thresholds of metrics that exist', () => {
  const { thresholds, mistakes } = readTable(DEFAULTS, metrics)
  expect(mistakes).toEqual([])
  expect(thresholds.length).toBeGreaterThan(0)
})

test('what names more labels takes precedence, whatever its place in the file', () => {
  const { thresholds } = readTable(
    { 'table_bytes{table=a,kind=b}': { warn: 1 }, 'table_bytes{table=a}': { warn: 2 }, table_bytes: { warn: 3 } },
    known,
  )
  expect(thresholds.map(({ range }) => range?.end)).toEqual([3, 2, 1])
})

describe('a configuration file', () => {
  test('has ranges as text or numbers; null and "off" mean none', () => {
    const { thresholds, mistakes } = parseConfig(`\ufeff{
      "$schema": "./node_modules/chatkeep/docs/chatkeep.config.schema.json",
      "thresholds": {
        "messages_without_client": { "warn": 5, "crit": "10:20" },
        "guest_messages": { "warn": null, "crit": "off" }
      }
    }`)
    expect(mistakes).toEqual([])
    expect(thresholds.map(({ metric, level, range }) => [metric, level, range?.end])).toEqual([
      ['messages_without_client', 'warn', 5],
      ['messages_without_client', 'crit', 20],
      ['guest_messages', 'warn', undefined],
      ['guest_messages', 'crit', undefined],
    ])
  })

  test('is told all its mistakes at once, each with its place', () => {
    const { mistakes } = parseConfig(`{
  "treshold": {},
  "thresholds": {
    "guest_message": { "warn": "1" },
    "guest_messages": { "wran": "1", "crit": true },
    "clients_created": { "warn": "20:10", "warn": "3" },
    "messages_without_client": "5"
  }
}`)
    expect(mistakes.map(({ line, column, text }) => `${line}:${column}: ${text}`)).toEqual([
      '2:3: unknown key "treshold"; did you mean thresholds?',
      '4:5: unknown metric "guest_message"; did you mean guest_messages?',
      '5:25: unknown key "wran"; write warn or crit',
      '5:38: "crit" must be a range such as "10:20", or "off"',
      '6:43: "warn" occurs twice',
      '7:5: "messages_without_client" must be an object',
    ])
  })

  test.for([
    ['an empty file', '', '1:1: no JSON: it ends too early'],
    ['a comma too many', '{\n  "thresholds": {},\n}', '3:1: no JSON: unexpected "}"'],
    ['a missing brace', '{ "thresholds": { }', '1:20: no JSON: it ends too early'],
    ['a comment', '// none\n{}', '1:1: no JSON: unexpected "/"'],
    ['an array', '[]', '1:1: the file must be an object'],
    ['an array of thresholds', '{ "thresholds": [] }', '1:3: "thresholds" must be an object'],
    ['too many brackets', '['.repeat(50_000), '1:1: too deeply nested'],
  ] as const)('is told what is wrong with %s', ([, text, expected]) => {
    expect(parseConfig(text).mistakes.map((one) => `${one.line}:${one.column}: ${one.text}`)).toEqual([expected])
  })
})

test('the example in the documentation has no mistake', () => {
  const [, example = ''] = /```json\n(\{\n {2}"\$schema".*?)```/s.exec(readFileSync('docs/metrics.md', 'utf8')) ?? []
  expect(parseConfig(example).mistakes).toEqual([])
  expect(parseConfig(example).thresholds).toHaveLength(4)
})
