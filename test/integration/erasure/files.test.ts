import { randomUUID } from 'node:crypto'
import { chmod, link, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pid } from 'node:process'
import { gzipSync } from 'node:zlib'
import { takeLock } from '../../../src/file-lock.js'
import { openJournal } from '../../../src/journal/open-journal.js'
import { recordingLock } from '../../../src/transcripts/transcript-format.js'
import { on } from '../../support/chat.js'
import { describe, expect, test } from '../../support/database.js'
import { loadPeople } from '../../support/erasure-people.js'
import { journalText, recordingText, rejectedText, writeServerFiles } from '../../support/server-files.js'

const linesOf = async (path: string): Promise<readonly string[]> => (await readFile(path, 'utf8')).split('\n')

const LOG = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

describe('files of a chat server', () => {
  test('lose a person, by name, by client and by conversation, and keep every other byte', async ({ database }) => {
    await loadPeople(database)
    await database.load(`INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "sessionId") VALUES
      (2, 'CLIENT', 'TEXT', 'stored', 'stored')`)
    const messages = [
      { username: 'beate' },
      { username: 'bea', conversation: 'waiting' },
      { username: 'Bea' },
      { username: null, from: 'OPERATOR', conversation: 'waiting', text: 'an answer' },
      { clientId: 2, username: null },
      { username: null, from: 'OPERATOR', conversation: 'stored', text: 'an answer' },
      { username: null, from: 'OPERATOR', conversation: 'of beate', text: 'ü another answer' },
      { clientId: 3, username: 'b\n"ea\'' },
    ] as const
    const files = await writeServerFiles({
      'chat.journal': journalText(messages, 7),
      'chat.journal.acknowledged': journalText(messages.slice(0, 3)),
      'chat.journal.rejected': `${rejectedText(messages.slice(0, 2))}no JSON\n`,
      'chat.journal.acknowledged.damaged': 'x',
      'rec.ndjson': recordingText(messages),
    })
    await chmod(files['rec.ndjson'], 0o640)
    const before = await linesOf(files['chat.journal'])
    const named = ['--journal', files['chat.journal'], '--recording', files['rec.ndjson']]
    const preview = await on(database, 'erase', '--username', 'bea', '--dry-run', ...named)
    expect(preview.stdout).toContain('journal chat.journal: 4 lines\nacknowledged chat.journal.acknowledged: 1 line\n')
    expect(preview.stdout).toContain('rejected chat.journal.rejected: 1 line\nrecording rec.ndjson: 4 lines\n')
    expect(preview.stdout).toMatch(/note: .*rejected: line 3 cannot be read, may be of anybody, and stay/)
    expect(preview.stdout).toMatch(/note: .*acknowledged\.damaged was found damaged and set aside/)
    expect(await linesOf(files['chat.journal'])).toEqual(before)

    const exported = await on(database, 'export', '--username', 'bea', ...named)
    expect(exported.stdout.match(/"type":"file","file":"chat.journal","line":(3|5|6|7)/g)).toHaveLength(4)
    expect(exported.stdout).not.toContain('Lucía')
    expect(exported.stderr).toContain('and 10 lines of files')

    const done = await on(database, 'erase', '--username', 'bea', '--confirm', database.name, ...named)
    expect([done.exitCode, done.stdout]).toEqual([0, expect.stringContaining(', 10 lines of files deleted')])
    expect(`${preview.stdout}${done.stdout}${done.stderr}`).not.toContain('secret')
    // The first entry has its number still, and the second has the next one.
    const left = await linesOf(files['chat.journal'])
    expect(left).toHaveLength(before.length - 4)
    expect(left.slice(0, 2)).toEqual(before.slice(0, 2))
    const withoutNumber = (line = ''): string => line.replace(/"seq":\d+|"crc":"\w+"/g, '')
    expect(left.slice(2).map(withoutNumber)).toEqual([before[3], before[7], before[8], before[9]].map(withoutNumber))
    const journal = await openJournal({ path: files['chat.journal'], keepAcknowledgedMs: 1_000 }, LOG)
    expect(journal.waiting).toBe(4)
    await journal.close()
    expect((await linesOf(files['chat.journal.rejected'])).slice(1)).toEqual(['no JSON', ''])
    expect((await stat(files['rec.ndjson'])).mode & 0o777).toBe(0o640)
    expect((await on(database, 'replay', '--check-only', files['rec.ndjson'])).stdout).toContain('4 messages')
    const again = await on(database, 'erase', '--username', 'bea', '--confirm', database.name, ...named)
    expect([again.exitCode, again.stdout]).toEqual([
      0,
      expect.stringContaining('ok: the database and the files hold nothing of this person'),
    ])
    expect((await readdir(dirname(files['chat.journal']))).filter((name) => name.endsWith('.draft'))).toEqual([])
  })

  test('lose queued answers by the name, the id or the conversation that they were sent to', async ({ database }) => {
    await loadPeople(database)
    await database.load(`INSERT INTO "chatkeep"."client_aliases" ("username", "clientId") VALUES ('bee', 2), ('queen', 2);
      INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "sessionId") VALUES
      (2, 'CLIENT', 'TEXT', 'stored', 'stored'), (3, 'CLIENT', 'TEXT', 'a conversation called so', 'queen')`)
    const sentTo = (conversation: string) => ({ username: null, from: 'OPERATOR', conversation }) as const
    const hers = ['bea', 'name-bea', 'client-2', 'bee', 'name-bee', 'name-queen', 'stored', 'in the journal']
    const others = ['ada', 'name-ada', 'client-1', 'client-22', '2', 'queen', 'nobody', 'b\0a']
    const messages = [...hers, ...others].map(sentTo)
    const first = { username: 'bea', conversation: 'in the journal' } as const
    const files = await writeServerFiles({
      'chat.journal': journalText([first, ...messages]),
      'chat.journal.acknowledged': journalText(messages),
      'chat.journal.rejected': rejectedText(messages),
    })
    const named = ['--journal', files['chat.journal']]
    for (const person of [
      ['--username', 'bea'],
      ['--client-id', '2'],
    ]) {
      const preview = await on(database, 'erase', ...person, '--dry-run', ...named)
      expect(preview.stdout).toContain(
        'journal chat.journal: 9 lines\nacknowledged chat.journal.acknowledged: 8 lines\n',
      )
      expect(preview.stdout).toContain('rejected chat.journal.rejected: 8 lines\n')
      expect((await on(database, 'export', ...person, ...named)).stderr).toContain('and 25 lines of files')
    }
    const copy = join(dirname(files['chat.journal']), 'export.ndjson')
    expect((await on(database, 'export', '--client-id', '2', ...named, '--output', copy)).exitCode).toBe(0)
    const done = await on(
      ...([database, 'erase', '--client-id', '2', '--confirm', database.name, ...named, '--recording', copy] as const),
    )
    expect([done.exitCode, done.stdout]).toEqual([0, expect.stringContaining('lines of files deleted')])
    expect(await readFile(copy, 'utf8')).not.toContain('"type":"file"')
    for (const path of Object.values(files)) {
      const left = (await readFile(path, 'utf8')).match(/"sessionId":"[^"]*"/g)
      expect([path, left]).toEqual([path, others.map((address) => `"sessionId":${JSON.stringify(address)}`)])
    }
  })

  test('lose queued answers by their conversation also where they have the name of the guest who was connected', async ({
    database,
  }) => {
    await loadPeople(database)
    await database.load(`INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "sessionId")
      VALUES (2, 'CLIENT', 'TEXT', 'stored', 'stored'), (3, 'CLIENT', 'TEXT', 'stored', 'of 3')`)
    const sentTo = (conversation: string, username: string) =>
      ({ username, from: 'OPERATOR', conversation, isWaiting: true }) as const
    const messages = [sentTo('stored', 'nick'), sentTo('stored', 'bea'), sentTo('new', 'bea'), sentTo('of 3', 'nick')]
    const { journal } = await writeServerFiles({ journal: journalText(messages) })
    const argv = ['erase', '--client-id', '2', '--confirm', database.name, '--journal', journal, '--json'] as const
    expect(JSON.parse((await on(database, ...argv)).stdout)).toMatchObject({ files: [{ lines: 3 }] })
    expect((await readFile(journal, 'utf8')).match(/"sessionId":"[^"]*"/g)).toEqual(['"sessionId":"of 3"'])
  })

  test('know guests by a phone whom the database does not know yet, but no registered client', async ({ database }) => {
    await loadPeople(database)
    const { journal } = await writeServerFiles({
      journal: journalText([
        { username: 'new', phone: '+7', conversation: 'n' },
        { username: 'new', conversation: 'n' },
        { username: 'eve', phone: '+7' },
        { username: 'eve' },
        { username: null, from: 'OPERATOR', conversation: 'of eve' },
      ]),
    })
    const argv = ['erase', '--phone', '+7', '--confirm', database.name, '--journal', journal, '--json'] as const
    expect(JSON.parse((await on(database, ...argv)).stdout)).toMatchObject({ files: [{ lines: 3 }], clients: [] })
    expect((await readFile(journal, 'utf8')).match(/"guestUsername":"?\w+/g)).toEqual([
      '"guestUsername":"eve',
      '"guestUsername":null',
    ])
  })

  test('that a server holds are refused with its process, before anything is changed', async ({ database }) => {
    await loadPeople(database)
    const id = randomUUID()
    const open = recordingText([{ username: 'bea' }], id).replace(/\{"type":"footer".*\n/, '')
    const { journal, recording, old } = await writeServerFiles({
      ...{ journal: journalText([{ username: 'bea' }]), recording: open },
      old: recordingText([{ username: 'bea' }]).replace(/\{"type":"footer".*\n/, ''),
    })
    const erase = (...argv: readonly string[]) =>
      on(database, 'erase', '--username', 'bea', '--confirm', database.name, ...argv)
    const held = await openJournal({ path: journal }, LOG)
    const refused = await erase('--journal', journal)
    expect([refused.exitCode, refused.stderr]).toEqual([
      4,
      expect.stringContaining(`another chat server of this process uses the journal ${journal}`),
    ])
    expect((await on(database, 'export', '--username', 'bea', '--journal', journal)).exitCode).toBe(0)
    const preview = await on(database, 'erase', '--username', 'bea', '--dry-run', '--journal', journal)
    expect([preview.exitCode, preview.stdout]).toEqual([
      0,
      expect.stringContaining('note: a server that writes these files must be stopped'),
    ])
    await held.close()
    const lock = await takeLock(recordingLock(id))
    const writing = await erase('--recording', recording)
    expect([writing.exitCode, writing.stderr]).toEqual([4, expect.stringContaining(`(${pid}) writes the recording`)])
    if ('release' in lock) await lock.release()
    const unsure = await erase('--recording', old)
    expect([unsure.exitCode, unsure.stderr]).toEqual([5, expect.stringContaining('put "footer":false into the header')])
    expect(await database.query('SELECT FROM "ChatMessage" WHERE "clientId" = 2')).toHaveLength(300)
    // Its server was killed.
    expect((await erase('--recording', recording, '--journal', journal)).exitCode).toBe(0)
    expect(await linesOf(recording)).toHaveLength(2)
  })

  test('lose the person as well where one is the copy of another, with its id', async ({ database }) => {
    await loadPeople(database)
    const messages = [{ username: 'bea' }, { username: 'eve' }]
    const [journal, recording] = [journalText(messages), recordingText(messages, randomUUID())]
    const files = await writeServerFiles({ journal, recording, journalCopy: journal, recordingCopy: recording })
    const { exitCode, stderr } = await on(
      ...([database, 'erase', '--username', 'bea', '--confirm', database.name] as const),
      ...['--journal', files.journal, '--journal', files.journalCopy],
      ...['--recording', files.recording, '--recording', files.recordingCopy],
    )
    expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('error')])
    for (const path of Object.values(files)) expect(await readFile(path, 'utf8')).not.toContain('"bea"')
  })

  test('of other formats, missing, damaged or altered are refused by name, before anything is changed', async ({
    database,
  }) => {
    await loadPeople(database)
    const journal = journalText([{ username: 'bea' }, { username: 'eve' }])
    const recording = recordingText([{ username: 'bea' }])
    const files = await writeServerFiles({
      ...{
        journal,
        recording,
        damaged: journal.replace('"bea"', '"bee"'),
        altered: recording.replace('"bea"', '"bee"'),
      },
      plain: '{"at":"2026-04-01T09:00:00Z","conversation":"c","from":"client","username":"bea","text":"hi"}\n',
      csv: 'name,text\nbea,hi\n',
      'rec.gz': '',
      second: recording,
    })
    await writeFile(files['rec.gz'], gzipSync(recording))
    await link(files.second, `${files.second}.too`)
    await mkdir(`${files.journal}.folder`)
    const refused = [
      ['--journal', files.recording, 5, 'is not a journal of serve --journal'],
      ['--recording', files.journal, 5, 'is a journal (name it with --journal), not a recording'],
      ['--recording', files.plain, 5, 'is a transcript of the format plain'],
      ['--recording', files.csv, 5, 'is a table (CSV)'],
      ['--recording', files['rec.gz'], 5, 'is compressed with gzip'],
      ['--recording', files.altered, 1, 'was altered since it was written'],
      ['--recording', files.second, 5, 'has a second name (a hard link)'],
      ['--journal', files.damaged, 5, 'is damaged in line 2'],
      ['--journal', `${files.journal}.none`, 2, 'no such file or folder'],
      ['--journal', `${files.journal}.folder`, 2, 'it is a folder'],
    ] as const
    for (const [flag, path, exitCode, words] of refused) {
      const run = await on(database, 'erase', '--username', 'bea', '--confirm', database.name, flag, path)
      expect([path, run.exitCode, run.stderr]).toEqual([path, exitCode, expect.stringContaining(words)])
    }
    expect(await readFile(files.journal, 'utf8')).toBe(journal)
    expect(await database.query('SELECT FROM "ChatMessage" WHERE "clientId" = 2')).toHaveLength(300)
  })
})
