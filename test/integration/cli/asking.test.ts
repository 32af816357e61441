import { existsSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { ProcessContext } from '../../../src/cli/context.js'
import { binary } from '../../support/chatkeep-process.js'
import { runChatkeep, type Run } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'

/** A terminal on which somebody answers every question in the same way, and what it showed. */
const terminalAnswering = (answer: string) => {
  let shown = ''
  const open = () => {
    const input = new PassThrough()
    return {
      input,
      write: (text: string) => {
        shown += text
        if (text.endsWith(' ')) input.write(`${answer}\n`)
      },
      close: () => input.destroy(),
    }
  }
  const terminal: ReturnType<ProcessContext['terminal']> = { isForeground: true, open }
  return { terminal, shown: () => shown }
}

const isMigrated = async (database: TestDatabase): Promise<boolean> =>
  (await database.query(`SELECT FROM pg_namespace WHERE nspname = 'chatkeep'`)).length > 0

describe('a question', () => {
  test.for([
    [['migrate'], 'migrate  '],
    [['migrate', '--json'], '{"at":'],
    [['migrate', '--quiet'], 'migrate  '],
  ] as const)(
    'is asked on the terminal that started %s, when its output is redirected, and shows what it is about',
    async ([argv, said], { database }) => {
      await loadFixture(database, 'crm-before')
      const env = { DATABASE_URL: database.url }
      const no = terminalAnswering('n')
      const declined = await runChatkeep(argv, { env, terminal: no.terminal })
      expect(no.shown()).toMatch(/^Migrate \S+ on 127\.0\.0\.1:\d+ as postgres\? \[y\/N\] $/)
      expect([declined.exitCode, await isMigrated(database)]).toEqual([5, false])
      expect(declined.stderr.slice(0, said.length)).toBe(said)
      const yes = terminalAnswering('y')
      const agreed = await runChatkeep(argv, { env, terminal: yes.terminal })
      expect([agreed.exitCode, await isMigrated(database)]).toEqual([0, true])
    },
  )

  test('is not asked in CI, nor without any terminal', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const asked = terminalAnswering('n')
    const env = { DATABASE_URL: database.url, CI: 'true' }
    expect((await runChatkeep(['migrate'], { env, terminal: asked.terminal })).exitCode).toBe(0)
    expect(asked.shown()).toBe('')
  })

  test('is refused in the background, where reading from the terminal would stop the process', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const env = { DATABASE_URL: database.url }
    const terminal = { ...terminalAnswering('y').terminal, isForeground: false } as NonNullable<
      ReturnType<ProcessContext['terminal']>
    >
    const run: Run = await runChatkeep(['migrate'], { env, terminal })
    expect([run.exitCode, await isMigrated(database)]).toEqual([5, false])
    expect(run.stderr).toContain('error: a process in the background cannot ask its terminal; nothing was changed')
    expect((await runChatkeep(['migrate', '--yes'], { env, terminal })).exitCode).toBe(0)
  })

  test('of a rollback is answered with the name of the database', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const env = { DATABASE_URL: database.url }
    expect((await runChatkeep(['migrate'], { env })).exitCode).toBe(0)
    const named = terminalAnswering(database.name)
    expect((await runChatkeep(['rollback'], { env, terminal: named.terminal })).exitCode).toBe(0)
    expect(named.shown()).toMatch(/^Roll back \S+ on 127\.0\.0\.1:\d+ as postgres\? Type the database's name: $/)
  })
})

const SCRIPT = '/usr/bin/script'

/** Types the answer on a real terminal, in which a shell runs the command. */
const onRealTerminal = async (command: string, answer: string): Promise<string> => {
  const running = promisify(execFile)(SCRIPT, ['-qefc', command, '/dev/null'], { env: { PATH: process.env.PATH } })
  running.child.stdin?.write(`${answer}\n`)
  return (await running.catch((error: unknown) => error as { stdout: string })).stdout
}

test.runIf(existsSync(SCRIPT))('migrate 2>&1 | tee asks on a real terminal', async ({ database }) => {
  await loadFixture(database, 'crm-before')
  const command = `'${process.execPath}' '${binary}' migrate --database-url '${database.url}' 2>&1 | cat`
  expect(await onRealTerminal(command, 'n')).toContain('error: not confirmed; nothing was changed')
  expect(await isMigrated(database)).toBe(false)
  expect(await onRealTerminal(command, 'y')).toContain('is migrated: ')
  expect(await isMigrated(database)).toBe(true)
})
