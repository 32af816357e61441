import { createHash } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { uPlotAssets } from '../../../../src/metrics/faces/html/page-assets.js'
import { renderPage } from '../../../../src/metrics/faces/html/render-page.js'
import { writePage } from '../../../../src/metrics/faces/html/write-page.js'
import type { MetricsReport } from '../../../../src/metrics/report.js'
import type { Breach } from '../../../../src/metrics/thresholds/judge.js'
import { metricOf, reportOf } from '../../../support/metrics-report.js'

const HOSTILE = `</script><img src=x onerror="alert('1')">&\u202e\u0000`

const messages = metricOf({ name: 'messages', help: HOSTILE, labels: ['sender_type'] })
const size = metricOf({ name: 'index_bytes', title: 'index size', unit: 'bytes', window: 'all time' })
const buckets = [0, 1, 2].map((hour) => new Date(Date.UTC(2026, 10, 27, 12 + hour)))

const report = reportOf(
  [
    [messages, [{ labels: { sender_type: HOSTILE }, value: 4_321, compared: 4_000, series: [1_234, null, 3_087] }]],
    [size, [{ labels: {}, value: 8_192 }]],
  ],
  { buckets, comparedMs: 7 * 86_400_000 },
)

const BREACHES: readonly Breach[] = [
  { state: 'critical', metric: messages, labels: { sender_type: HOSTILE }, value: null, range: undefined },
]

const pageOf = (shown: MetricsReport): string =>
  renderPage(
    { report: shown, verdict: { state: 'critical', breaches: BREACHES }, target: HOSTILE, naming: undefined },
    uPlotAssets(),
  )

const contentsOf = (page: string, element: string): readonly string[] =>
  Array.from(page.matchAll(new RegExp(`<${element}>([^]*?)</${element}>`, 'g')), ([, content = '']) => content)

test('takes names and labels for text, whatever they hold', () => {
  const page = pageOf(report)
  const withoutOwn = [...contentsOf(page, 'script'), ...contentsOf(page, 'style')].reduce(
    (rest, own) => rest.replace(own, () => ''),
    page,
  )
  expect(withoutOwn).not.toMatch(/<img|[\u0000\u202e]/)
  expect(withoutOwn.match(/<\/script>/g)).toHaveLength(2)
  expect(withoutOwn).toContain('&lt;/script&gt;&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;')
  const [, data = ''] = /<script type="application\/json" id="charts">([^]*?)<\/script>/.exec(page) ?? []
  expect(JSON.parse(data)).toEqual([
    {
      id: 'chart-1',
      unit: 'count',
      times: [...buckets, report.now].map((at) => at.getTime() / 1_000),
      series: [{ label: expect.stringContaining('</script>') as string, values: [1_234, null, 3_087, 3_087] }],
    },
  ])
})

test('may run its own script and style only, and loads nothing', () => {
  const page = pageOf(report)
  const [, content = ''] = /Content-Security-Policy" content="([^"]*)"/.exec(page) ?? []
  const policy = content.replaceAll('&#39;', "'")
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  expect(contentsOf(page, 'style').map((text) => `style-src ${hash(text)}`)).toEqual([
    /style-src [^;]*/.exec(policy)?.[0],
  ])
  expect(contentsOf(page, 'script').map((text) => `script-src ${hash(text)}`)).toEqual([
    /script-src [^;]*/.exec(policy)?.[0],
  ])
  expect(policy).toMatch(/^default-src 'none';/)
  expect(page).not.toMatch(/ (?:src|href|style|on\w+)="|url\(|@import/)
})

test('says the same in tables: values, changes, and each bucket of a chart', () => {
  const text = pageOf(report)
    .replaceAll(/<(script|style)[^]*?<\/\1>/g, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
  for (const part of [
    '4,321 4,000 +8.0 %',
    '2026-11-27 12:00:00 1,234 2026-11-27 13:00:00 – 2026-11-27 14:00:00 3,087',
    'index size 8.2 kB',
  ])
    expect(text).toContain(part)
})

test('has neither script nor chart without buckets', () => {
  const page = pageOf({ ...report, buckets: [], metrics: report.metrics.slice(1) })
  expect(contentsOf(page, 'script')).toEqual([])
  expect(page).not.toContain('script-src')
})

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-page-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('replaces an older page, which only its owner can read', async () => {
  await writeFile(join(folder, 'report.html'), 'old', { mode: 0o644 })
  await writePage('report.html', folder, 'new')
  expect(await readFile(join(folder, 'report.html'), 'utf8')).toBe('new')
  expect((await stat(join(folder, 'report.html'))).mode & 0o777).toBe(0o600)
  expect(await readdir(folder)).toEqual(['report.html'])
})

test('keeps what is no file', async () => {
  const target = join(folder, 'target')
  await writeFile(target, 'kept')
  await chmod(target, 0o600)
  await symlink(target, join(folder, 'link.html'))
  await expect(writePage('link.html', folder, 'new')).rejects.toThrow('link.html is not a regular file')
  await expect(writePage('.', folder, 'new')).rejects.toThrow('is not a regular file')
  expect(await readFile(target, 'utf8')).toBe('kept')
})

test('draws no chart of what is zero or unknown throughout, and says so', () => {
  const page = pageOf(
    reportOf(
      [
        [messages, [{ labels: { sender_type: 'CLIENT' }, value: 3, series: [0, 3, 0] }]],
        [metricOf({ name: 'quiet', title: 'quiet hours' }), [{ labels: {}, value: 0, series: [0, 0, null] }]],
      ],
      { buckets },
    ),
  )
  expect(page).toContain('zero or unknown throughout: quiet hours.')
  expect(page).not.toContain('<h2>quiet hours')
  expect(page.match(/id="chart-\d+"/g)).toHaveLength(1)
})
