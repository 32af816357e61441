import { expect, test } from 'vitest'
import { metrics } from '../../../src/metrics/index.js'
import { namesIn } from '../../../src/persistence/sql-names.js'

const GIVEN = { diskBytes: 500_000_000_000 }

test.for(metrics)('the metric $name has a name for programs, one for people, and says what it counts', (metric) => {
  for (const name of [metric.name, ...(metric.labels ?? [])]) expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/)
  expect(metric.title).toMatch(/^\S.*[^.]$/)
  expect(metric.help).toMatch(/^[A-Z].*\.$/)
  const query = metric.select(namesIn('public'), { since: 'the-start', until: 'the-end' }, GIVEN)
  expect(query.includes('the-start')).toBe(metric.window === 'since')
  if (metric.window === 'all time') expect(query).not.toContain('the-end')
  for (const column of ['value', ...(metric.labels ?? [])]) expect(query).toContain(`AS "${column}"`)
})

test('no two metrics have the same name', () => {
  expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length)
})
