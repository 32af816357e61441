import type pg from 'pg'
import { metrics } from '../../../src/metrics/index.js'
import type { Sample } from '../../../src/metrics/report.js'
import { selectMetrics, type Selection } from '../../../src/metrics/select-metrics.js'
import { migrated } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'
import { ODD_CHAT, SLOW } from '../../support/slow-metrics.js'

const DAY_MS = 86_400_000
const ofChat = metrics.slice(
  0,
  metrics.findIndex(({ name }) => name === 'invalid_indexes'),
)

/** Something of each sample, under the name of the metric and the values of its labels. */
const read = async <T>(
  client: pg.Client,
  selection: Selection,
  of: (sample: Sample) => T,
): Promise<Record<string, T>> => {
  const { metrics: readings } = await selectMetrics(client, 'public', { metrics: ofChat, ...selection })
  return Object.fromEntries(
    readings.flatMap(({ metric, samples }) =>
      samples.map((sample) => [[metric.name, ...Object.values(sample.labels)].join(' '), of(sample)] as const),
    ),
  )
}

/** What they should come to. */
const compute = async (client: pg.Client, since: string, until: string): Promise<Record<string, number | null>> => {
  const values: [string, number | null][] = []
  for (const [name, sql] of Object.entries(SLOW)) {
    const { rows } = await client.query<[number | null]>({ text: sql, values: [since, until], rowMode: 'array' })
    values.push([name, rows[0]?.[0] ?? null])
  }
  return Object.fromEntries(values)
}

const rounded = (value: number | null | undefined): number | null | undefined =>
  typeof value === 'number' ? Math.round(value * 1_000) / 1_000 : value

const since = new Date('2026-06-01')
const until = new Date('2026-06-08')

test('each metric of the chat is what a plain query says, in every window, bucket and time zone', async ({
  database,
}) => {
  await migrated(database)
  await database.load(ODD_CHAT)
  const client = await database.client()
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
  for (const zone of ['Asia/Tokyo', 'America/Argentina/Buenos_Aires', 'UTC']) {
    await client.query(`SET TimeZone = '${zone}'; SET DateStyle = German`)
    expect(await read(client, { since, until }, ({ value }) => rounded(value))).toEqual(
      roundedAll(await compute(client, '2026-06-01', '2026-06-08')),
    )
  }
  // A window that ends now has what a clock that runs ahead dated in the future.
  expect(await read(client, { since }, ({ value }) => rounded(value))).toEqual(
    roundedAll(await compute(client, '2026-06-01', 'infinity')),
  )
  const selection = { since, until, bucketMs: DAY_MS * 3, compareMs: DAY_MS * 5 }
  const compared = await read(client, selection, (sample) => rounded(sample.compared))
  expect(inWindow(compared)).toEqual(inWindow(roundedAll(await compute(client, '2026-05-27', '2026-06-03'))))
  expect(Object.values(compared).filter((value) => value === undefined)).toHaveLength(3)
  const series = await read(client, selection, (sample) => sample.series?.map(rounded))
  const buckets = [
    await compute(client, '2026-06-01', '2026-06-04'),
    await compute(client, '2026-06-04', '2026-06-07'),
    await compute(client, '2026-06-07', '2026-06-08'),
  ]
  const expected = Object.keys(SLOW).map((name) => [name, buckets.map((one) => rounded(one[name]))] as const)
  expect(inWindow(series)).toEqual(inWindow(Object.fromEntries(expected)))
})

/** Only the metrics of a window. */
const inWindow = <T>(values: Record<string, T>): Record<string, T> =>
  Object.fromEntries(
    Object.entries(values).filter(
      ([name]) => metrics.find((metric) => name.split(' ')[0] === metric.name)?.window === 'since',
    ),
  )

const roundedAll = (values: Record<string, number | null>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, rounded(value)]))
