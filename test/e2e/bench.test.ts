import { execFileSync, spawn } from 'node:child_process'
import { chmod, mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { repository, whenEnded, type Ended } from '../support/chatkeep-process.js'

const program = join(repository, 'test', 'bench', 'dist', 'main.js')

interface Result {
  readonly ok: boolean
  readonly machine: Readonly<Record<string, unknown>>
  readonly failures: readonly unknown[]
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

beforeAll(() => {
  execFileSync('npm', ['run', '--silent', 'bench', '--', '--help'], { cwd: repository, stdio: 'ignore' })
})

/** Runs the benchmark in a temporary folder of its own, and looks whether it left something there. */
const runBench = async (
  argv: readonly string[],
  onStderr: (text: string, interrupt: () => void) => void = () => undefined,
): Promise<Ended> => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'chatkeep-bench-test-')))
  onTestFinished(() => rm(folder, { recursive: true }))
  // The server's account must get there, too.
  await chmod(folder, 0o755)
  const child = spawn(process.execPath, ['--expose-gc', program, ...argv], {
    cwd: repository,
    env: { PATH: process.env.PATH, TZ: process.env.TZ, TMPDIR: folder },
  })
  child.stderr.on('data', (text: Buffer) => onStderr(text.toString(), () => child.kill('SIGINT')))
  const ended = await whenEnded(child)
  const left = (await readdir(folder)).filter((name) => !name.startsWith('chatkeep-binaries-'))
  expect(left, ended.stderr).toEqual([])
  return ended
}

/** Rows of each scenario: all of them with `npm run test:bench`, the quickest in a run of all tests. */
const ROWS = { save: 12, bulk: 3, reads: 20, polling: 4, socket: 2, application: 6 }

describe('the benchmark', () => {
  test('answers with one JSON document when asked to', async () => {
    const expected = process.env.BENCH === 'all' ? ROWS : { bulk: ROWS.bulk }
    const sizes = ['--seconds', '0.02', '--bulk', '300', '--messages', '1000', '--sockets', '2']
    const { code, stdout, stderr } = await runBench(['--json', '--only', Object.keys(expected).join(','), ...sizes])
    expect(code, stderr).toBe(0)
    const { ok, machine, rows, failures } = JSON.parse(stdout) as Result
    expect({ ok, failures }).toEqual({ ok: true, failures: [] })
    expect(machine).toMatchObject({ settings: { fsync: 'on', synchronous_commit: 'on' } })
    const amounts = new Map<unknown, number>()
    for (const { scenario } of rows) amounts.set(scenario, (amounts.get(scenario) ?? 0) + 1)
    expect(Object.fromEntries(amounts)).toEqual(expected)
    for (const row of rows) expect(row.perSecond, JSON.stringify(row)).toBeGreaterThan(0)
  })

  test('prints the machine and one table', async () => {
    const { code, stdout, stderr } = await runBench(['--only', 'guests', '--guests', '100'])
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/^\d+ cores, .*\nNode \d+\.\d+\.\d+, PostgreSQL \d+\.\d+: fsync on, /)
    expect(stdout).toMatch(
      /^ scenario +\| case +\| calls +\| per s +\| spread +\| ratio +\| p50 ms +\| p99 ms +\| peak RSS MB/m,
    )
    expect(stdout).toMatch(/^ guests +\| find, then INSERT, 128 callers +\| +100 +\| +[\d.,]+ +\| +±\d+% +\| 1\.00x /m)
    expect(stderr).toContain('guests: done in ')
  })

  // Half a minute: npm run test:bench
  test.runIf(process.env.BENCH === 'all')(
    'compares what stands still during a migrate, when that is asked for',
    async () => {
      const { code, stdout, stderr } = await runBench([
        'migrate',
        '--json',
        '--rows',
        '1000',
        '--reader-seconds',
        '0.5',
      ])
      expect(code, stderr).toBe(0)
      const { rows } = JSON.parse(stdout) as Result
      const titleOf = ({ case: title }: Readonly<Record<string, unknown>>): string => String(title)
      expect(rows.map(titleOf).filter((title) => title.includes('free'))).toEqual(
        [
          'no change',
          'update, plain SQL',
          'rollback, plain SQL',
          'update, chatkeep',
          'rollback, chatkeep',
          'update again, chatkeep',
        ].flatMap((change) => ['writer', 'reader'].map((caller) => `${change}, free: ${caller}`)),
      )
      const longest = (title: string): unknown => rows.find((row) => titleOf(row) === title)?.longestMs
      expect(longest('update, plain SQL, behind a reader: writer')).toBeGreaterThan(400)
      expect(rows).toHaveLength(22)
    },
  )

  test('stops its server when it is interrupted', async () => {
    const { code, stdout, stderr } = await runBench(['--only', 'save'], (text, interrupt) => {
      if (text.includes('save: ')) interrupt()
    })
    expect([code, stdout]).toEqual([130, ''])
    expect(stderr).toContain('error: ended by SIGINT')
  })

  test('names the scenarios when it is asked for another', async () => {
    const { code, stderr } = await runBench(['--only', 'save,speed'])
    expect(code).toBe(2)
    expect(stderr).toContain(
      'There is no scenario speed; there are: save, guests, bulk, reads, polling, socket, application, migrate, cli.',
    )
  })
})
