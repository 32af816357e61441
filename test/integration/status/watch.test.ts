import { migrated, migrateHere } from '../../support/chat.js'
import { runChatkeep, type RunOptions } from '../../support/chatkeep.js'
import { withProxy } from '../../support/cuttable-proxy.js'
import { describe, expect, test } from '../../support/database.js'
import { ExitCode, OperatorError } from '../../../src/errors.js'
import { until } from '../../support/until.js'

/** A watch that runs until it is interrupted, as by Ctrl-C. */
const watch = (url: string, argv: readonly string[], options: RunOptions = {}) => {
  const end = new AbortController()
  let seen = ''
  const run = runChatkeep(['status', ...argv, '--database-url', url], {
    ...options,
    signal: end.signal,
    onStdout: (text) => (seen += text),
  })
  const sees = (wanted: RegExp): Promise<unknown> => until(() => wanted.test(seen), { what: String(wanted) })
  const interrupt = (): void =>
    end.abort(new OperatorError('interrupted', 'ended by SIGINT', { exitCode: ExitCode.interrupted }))
  return { run, sees, interrupt, forget: () => (seen = '') }
}

describe('status --watch', () => {
  test('in a pipe prints one block a look, --until-ok ends it', async ({ database }) => {
    const { run, sees } = watch(database.url, ['--until-ok', '--watch=100ms'])
    await sees(/(?:FAIL: [^]*){2}/)
    await migrateHere(database)
    const { exitCode, stdout, stderr } = await run
    expect([exitCode, stderr]).toEqual([0, ''])
    const blocks = stdout.split('\n\nstatus  ')
    expect(blocks.length).toBeGreaterThan(2)
    expect(blocks.map((block) => block.match(/^(?:ok|warning|FAIL|unknown): /gm)?.length)).toEqual(blocks.map(() => 1))
    const lines = (await watch(database.url, ['--until-ok', '-q']).run).stdout
    expect(lines).toMatch(/^(?:ok|warning): .*\n$/)
  })

  test('prints one JSON document at its end, and refuses JSON without an end', async ({ database }) => {
    const { run } = watch(database.url, ['--until-ok', '--watch=100ms', '--json'])
    await migrateHere(database)
    expect(JSON.parse((await run).stdout)).toMatchObject({ ok: true, command: 'status', update: { ok: true } })
    expect(await runChatkeep(['status', '--watch', '--json', '--database-url', database.url])).toMatchObject({
      exitCode: 2,
      stdout: expect.stringContaining('add --until-ok') as string,
    })
  })

  test('keeps its place on a terminal, and gives it back', async ({ database }) => {
    const { run, sees, interrupt } = watch(database.url, ['--watch=100ms'], { columns: 40, env: { TERM: 'xterm' } })
    await sees(/(?:\u001b\[H[^]*){3}/)
    interrupt()
    const { exitCode, stdout } = await run
    expect(exitCode).toBe(130)
    const [before = '', during = '', after = ''] = stdout.split(/\u001b\[\?1049[hl]/)
    expect(before).toBe('')
    const frames = during.replace('\u001b[?25l', '').split('\u001b[H').slice(1)
    // Nothing is cleared before it is written anew, and the last row stays free, so nothing flickers or scrolls.
    for (const frame of frames) {
      expect(frame.split('\r\n').length).toBeLessThan(24)
      expect(frame).toMatch(/^status .*\u001b\[K\r\n/)
      expect(frame.indexOf('\u001b[J')).toBeGreaterThan(frame.lastIndexOf('\n'))
    }
    expect(after).toMatch(/^status [^]*\u001b\[31mFAIL:/)
  })

  test('goes on while the server is away, and says so', async ({ database }) => {
    await migrated(database)
    await withProxy(database.url, async (proxy) => {
      const { run, sees, interrupt, forget } = watch(proxy.url, ['--watch=100ms', '-q'])
      await sees(/^(?:ok|warning): /m)
      proxy.pointAt('postgres://127.0.0.1:1/')
      proxy.cut()
      await sees(/^FAIL: (?:cannot reach|lost|the connection)/m)
      forget()
      proxy.pointAt(database.url)
      await sees(/^(?:ok|warning): /m)
      interrupt()
      expect((await run).exitCode).toBe(130)
    })
  })

  test('ends at once where waiting does not help', async ({ database }) => {
    const url = new URL(database.url)
    url.pathname = '/no_such_database'
    expect(await watch(url.href, ['--watch', '-q']).run).toMatchObject({
      exitCode: 3,
      stdout: expect.stringMatching(/^FAIL: there is no database "no_such_database".*\n$/) as string,
    })
  })
})
