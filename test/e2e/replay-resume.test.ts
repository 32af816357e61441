import { readFile } from 'node:fs/promises'
import { migrated, on } from '../support/chat.js'
import { startChatkeep, whenEnded } from '../support/chatkeep-process.js'
import { describe, expect, test } from '../support/database.js'
import { manyLines, transcriptLine, writeInput } from '../support/transcript.js'
import { until } from '../support/until.js'

describe('an interrupted replay', () => {
  test('goes on where it was killed, keeps rejected lines as they were, and refuses another transcript', async ({
    database,
  }) => {
    await migrated(database)
    const messages = 1_200
    const path = await writeInput(`nonsense\n${manyLines(messages)}`)
    const [state, rejected] = [`${path}.state`, `${path}.rejected`]
    const flags = ['--resume', state, '--rejected', rejected]
    const argv = ['replay', path, '--database-url', database.url, ...flags, '--speed', '400/s']
    const child = startChatkeep(argv, {})
    const ended = whenEnded(child)
    await until(async () => expect(await readFile(state, 'utf8')).toMatch(/"line":[1-9]/), {
      what: 'the state names a line',
    })
    child.kill('SIGKILL')
    expect((await ended).signal).toBe('SIGKILL')

    const { stdout } = await on(database, 'replay', path, ...flags)
    expect(stdout).toMatch(/resumed after line \d+/)
    expect(stdout).toContain('1 rejected, 0 lost, 0 doubled, 0 unexpected')
    expect(await database.query('SELECT count(*)::integer FROM "ChatMessage"')).toEqual([{ count: messages }])
    expect(await readFile(rejected, 'utf8')).toBe('nonsense\n')
    const again = await on(database, 'replay', path, ...flags)
    expect(again.stdout).toContain(`0 saved, ${messages.toLocaleString('en-US')} duplicates`)
    const other = await writeInput(`${transcriptLine()}\n`)
    expect((await on(database, 'replay', other, '--resume', state)).stderr).toContain('is the state of another replay')
    expect((await on(database, 'replay', path, '--rejected', rejected)).stderr).toContain('is not overwritten')
  })
})
