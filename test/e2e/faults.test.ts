import { execFileSync, spawn } from 'node:child_process'
import { chmod, mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { repository, whenEnded, type Ended } from '../support/chatkeep-process.js'

interface Result {
  readonly verdict: string
  readonly seed: number
  readonly rows: number
  readonly faults: readonly Readonly<Record<string, unknown>>[]
}

const FAULTS = ['kill-chat-after-commit', 'cut-during-commit', 'kill-chat-with-journal']

/** In a temporary folder of its own, where it may leave nothing. */
const runCampaign = async (argv: readonly string[]): Promise<Ended> => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'chatkeep-faults-test-')))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  // The server's account must get there, too.
  await chmod(folder, 0o755)
  execFileSync('npm', ['run', '--silent', 'test:faults:build'], { cwd: repository, stdio: 'ignore' })
  const program = join(repository, 'test', 'faults', 'dist', 'main.js')
  const child = spawn(process.execPath, [program, ...argv], {
    cwd: repository,
    env: { PATH: process.env.PATH, TZ: process.env.TZ, TMPDIR: folder },
  })
  const ended = await whenEnded(child)
  const left = (await readdir(folder)).filter((name) => !name.startsWith('chatkeep-binaries-'))
  expect(left, ended.stderr).toEqual([])
  return ended
}

test('keeps every message of a live chat through a few faults, by another seed each time', async () => {
  const { code, stdout, stderr } = await runCampaign([
    ...['--json', '--messages', '1500', '--guests', '30', '--faults', FAULTS.join(',')],
  ])
  expect(code, `${stderr}${stdout}`).toBe(0)
  const { verdict, seed, rows, faults } = JSON.parse(stdout) as Result
  console.log(`A campaign of faults, seed ${seed}: ${verdict}`)
  expect(verdict).toBe('passed')
  expect(rows).toBeGreaterThanOrEqual(1_500)
  expect(faults.map(({ fault }) => fault)).toEqual(['none', ...FAULTS])
})
