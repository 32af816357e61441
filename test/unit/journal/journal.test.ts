import { execFileSync } from 'node:child_process'
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { OperatorError } from '../../../src/errors.js'
import { DEFAULT_MAX_MESSAGE_BYTES } from '../../../src/persistence/content/message-size.js'
import { prepareMessage } from '../../../src/persistence/prepare-message.js'
import { entryLine, headerLine, type JournalEntry } from '../../../src/journal/journal-line.js'
import type { Journal } from '../../../src/journal/journal.js'
import { SILENT_LOG, type LogFields } from '../../../src/chat-log.js'
import { openJournal, type JournalOptions } from '../../../src/journal/open-journal.js'
import { readJournal } from '../../../src/journal/read-journal.js'
import { createJournalHealth } from '../../../src/server/keeping/journal-health.js'
import { until } from '../../support/until.js'

const entry = (text: string): Omit<JournalEntry, 'seq'> => ({
  message: {
    ...prepareMessage(
      { senderType: 'CLIENT', messageType: 'TEXT', text, sessionId: 's', guestUsername: 'ana' },
      DEFAULT_MAX_MESSAGE_BYTES,
    ),
    sessionId: 's',
    idempotencyKey: `s/${text}`,
    createdAt: new Date('2026-04-01T09:00:00Z'),
  },
  messageId: text,
  contactKnown: true,
  attempted: false,
  size: null,
  operatorName: null,
  senderSocketId: 'socket',
})
const line = (seq: number, text = `message ${seq}\né`): Buffer => entryLine({ ...entry(text), seq })
const header = headerLine('0a1b')

const read = async (bytes: Buffer): Promise<string[]> => {
  const parts: string[] = []
  // In pieces, as a file is read.
  const chunks = async function* () {
    for (let at = 0; at < bytes.length; at += 100) yield await Promise.resolve(bytes.subarray(at, at + 100))
  }
  for await (const part of readJournal(chunks(), 'chat.journal')) {
    parts.push(part.kind === 'entry' ? String(part.entry.message.text) : part.kind)
  }
  return parts
}

describe('reading a journal', () => {
  test('that was cut at any byte of its last two lines gives every line before, and says that one is torn', async () => {
    const before = Buffer.concat([header, line(1)])
    const whole = Buffer.concat([before, line(2), line(3)])
    for (let size = before.length; size <= whole.length; size += 1) {
      const texts = ['message 1\né', ...(size >= before.length + line(2).length ? ['message 2\né'] : [])]
      if (size === whole.length) texts.push('message 3\né')
      const isWhole = [before.length, before.length + line(2).length, whole.length].includes(size)
      expect(await read(whole.subarray(0, size)), `${size} bytes`).toEqual([
        'header',
        ...texts,
        ...(isWhole ? [] : ['torn']),
      ])
    }
  })

  test('finds every flipped byte: torn in the last line, damage with the line number anywhere else', async () => {
    const [first, last] = [line(1), line(2)]
    for (let at = 0; at < first.length - 1; at += 1) {
      const flipped = (bytes: Buffer): Buffer => {
        const copy = Buffer.from(bytes)
        copy[at] = (copy[at] ?? 0) ^ 1
        return copy
      }
      // A line feed in the middle makes two lines of one, of which the first is bad.
      const error = await read(Buffer.concat([header, flipped(first), last])).catch((thrown: unknown) => thrown)
      expect(error, `byte ${at}`).toMatchObject({
        code: 'journal_damaged',
        message: expect.stringContaining('in line 2') as string,
      })
      expect(await read(Buffer.concat([header, line(1), flipped(last)]))).toEqual(['header', 'message 1\né', 'torn'])
    }
  })

  test('that is damaged says how to bring in what stands before and after it', async () => {
    const lines = [header, line(1), line(2), Buffer.from('damage\n'), line(4), line(5)]
    const error = (await read(Buffer.concat(lines)).catch((thrown: unknown) => thrown)) as OperatorError
    expect(error.next.map(({ text }) => text)).toEqual([
      'sed -n 4p chat.journal',
      'head -n 3 chat.journal > before.journal',
      'replay before.journal',
      '(head -n 1 chat.journal; tail -n +5 chat.journal) > after.journal',
      'replay after.journal',
      'rename the damaged file and start the server with a new one',
    ])
    expect(await read(Buffer.concat(lines.slice(0, 3)))).toHaveLength(3)
    expect(await read(Buffer.concat([header, ...lines.slice(4)]))).toHaveLength(3)
  })

  test.each([
    ['a line that is missing', [header, line(1), line(3)], 'journal_damaged'],
    ['something else', [Buffer.from('{"at":"2026-04-01T09:00:08Z"}\n')], 'not_a_journal'],
    ['a damaged header', [Buffer.from(header.toString().replace('0a1b', '0a1c'))], 'journal_damaged'],
  ])('refuses %s', async (_what, parts, code) => {
    await expect(read(Buffer.concat(parts))).rejects.toMatchObject({ code })
  })
})

describe('a journal on a disk', () => {
  let folder = ''
  let path = ''
  const journals: Journal[] = []
  const log: string[] = []
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatkeep-journal-'))
    path = join(folder, 'chat.journal')
    log.length = 0
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    for (const journal of journals.splice(0)) await journal.close()
    await rm(folder, { recursive: true })
  })
  const opened = async (options: Partial<JournalOptions> = {}): Promise<Journal> => {
    const note = (fields: LogFields): void => void log.push(JSON.stringify(fields))
    const journal = await openJournal({ path, ...options }, { ...SILENT_LOG, warn: note, error: note })
    journals.push(journal)
    return journal
  }
  const reopened = async (options: Partial<JournalOptions> = {}): Promise<Journal> => {
    await journals.pop()?.close()
    return opened(options)
  }
  const texts = async (journal: Journal): Promise<unknown[]> =>
    (await journal.read(journal.firstEntry, 1_000)).entries.map(({ message }) => message.text)

  const settleAll = (journal: Journal, entries: readonly JournalEntry[]): void => {
    for (const one of entries) journal.settle(one)
  }

  /** What every file handle shares. */
  const handlePrototype = async (): Promise<{ datasync: unknown; write: unknown }> => {
    const handle = await open(folder)
    await handle.close()
    return Object.getPrototypeOf(handle) as { datasync: unknown; write: unknown }
  }

  test('keeps what it has taken, for this user alone, and goes on after a restart and a torn write', async () => {
    const journal = await opened()
    await Promise.all(['a', 'b', 'c'].map((text) => journal.add(entry(text))))
    await journal.add(entry('a'))
    await expect(
      journal.add({ ...entry('a'), message: { ...entry('other').message, idempotencyKey: 's/a' } }),
    ).rejects.toMatchObject({
      code: 'idempotency_conflict',
    })
    await chmod(path, 0o644)
    await appendFile(path, line(4).subarray(0, 50))
    const again = await reopened()
    expect(again.waiting).toBe(3)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(log).toEqual([expect.stringContaining('"line":5,"bytes":50') as string])
    await again.add(entry('b'))
    await again.add(entry('d'))
    expect(await texts(await reopened())).toEqual(['a', 'b', 'c', 'd'])
    // A last line that has its line feed may have been answered once: it is kept, too.
    await appendFile(path, line(5).fill('x', 20, 21))
    expect(await texts(await reopened())).toEqual(['a', 'b', 'c', 'd'])
    expect(await readFile(`${path}.rejected`, 'utf8')).toContain(
      line(5).fill('x', 20, 21).subarray(0, -1).toString('base64'),
    )
  })

  const lettersOf = (text: string): readonly string[] => Array.from(text)
  const acknowledged = async (): Promise<readonly string[]> =>
    (await read(await readFile(`${path}.acknowledged`))).slice(1)
  const keepAll = async (journal: Journal, kept: readonly string[]): Promise<void> => {
    for (const text of kept) await journal.keepAcknowledged(() => entry(text))
  }

  test('keeps acknowledged messages beside it for their time, also after a restart', async () => {
    const keepAcknowledgedMs = 1_500
    await keepAll(await opened({ keepAcknowledgedMs }), ['a', 'b'])
    await keepAll(await reopened({ keepAcknowledgedMs }), ['c'])
    expect(await acknowledged()).toEqual(['a', 'b', 'c'])
    expect((await stat(`${path}.acknowledged`)).mode & 0o777).toBe(0o600)
    await until(async () => expect(await acknowledged()).toEqual([]), { what: 'their time is over' })
    await reopened()
    expect(log).toEqual([expect.stringContaining('"event":"acknowledged_left"') as string])
  })

  test('sets a damaged file of acknowledged messages aside, overwrites none, and begins a new one', async () => {
    const keeping = { keepAcknowledgedMs: 3_600_000 }
    const file = `${path}.acknowledged`
    const inBody = Buffer.concat([header, line(1).fill('?', 20, 21), line(2)])
    const inHeader = Buffer.concat([Buffer.from(header).fill('?', 2, 3), line(1)])
    await opened(keeping)
    for (const [name, content] of [
      [`${file}.damaged`, inBody],
      [`${file}.damaged.2`, inHeader],
    ] as const) {
      await writeFile(file, content)
      await keepAll(await reopened(keeping), ['new'])
      expect(log.at(-1)).toContain('"event":"acknowledged_damaged"')
      expect(await acknowledged()).toEqual(['new'])
      expect(await readFile(name)).toEqual(content)
    }
    expect(await readFile(`${file}.damaged`)).toEqual(inBody)
  })

  test('drops the oldest acknowledged messages when it needs the room, and never one that waits', async () => {
    const journal = await opened({ keepAcknowledgedMs: 3_600_000, maxBytes: 6_000 })
    await keepAll(journal, lettersOf('abcd'))
    expect(log).toEqual([])
    await keepAll(journal, lettersOf('efghijkl'))
    const early = /"event":"acknowledged_dropped_early","oldestKeptSeconds":0,"wantedSeconds":3600,/
    expect(log).toEqual([expect.stringMatching(early) as string])
    const kept = (await acknowledged()).join('')
    expect('abcdefghijkl'.endsWith(kept) && kept.length > 3 && kept.length < 12).toBe(true)
    await Promise.all(lettersOf('ABCDEFGH').map((text) => journal.add(entry(text))))
    await until(
      async () => expect((await stat(path)).size + (await stat(`${path}.acknowledged`)).size).toBeLessThan(6_000),
      { what: 'room for what waits' },
    )
    expect(await texts(journal)).toEqual(lettersOf('ABCDEFGH'))
    await keepAll(journal, ['m'])
    expect('abcdefghijklm'.endsWith((await acknowledged()).join(''))).toBe(true)
  })

  test('shares one write and one sync among those who come together', async () => {
    const journal = await opened()
    const sync = vi.spyOn((await handlePrototype()) as { datasync: () => Promise<void> }, 'datasync')
    await Promise.all(Array.from({ length: 500 }, (_, index) => journal.add(entry(String(index)))))
    expect([1, 2]).toContain(sync.mock.calls.length)
  })

  test('is refused to a second server, and free again after the first', async () => {
    await opened()
    await expect(opened()).rejects.toMatchObject({
      code: 'journal_in_use',
      exitCode: 4,
      message: `another chat server of this process uses the journal ${path}`,
    })
    await reopened()
  })

  test('writes nothing to what somebody has put in its way', async () => {
    const precious = join(folder, 'precious')
    await writeFile(precious, 'precious')
    await symlink(precious, `${path}.rejected`)
    await expect(opened()).rejects.toMatchObject({ code: 'file_not_private' })
    await rm(`${path}.rejected`)
    for (const ending of ['.new', '.draft']) await symlink(precious, `${path}${ending}`)
    const journal = await opened()
    await journal.add(entry('one'))
    settleAll(journal, (await journal.read(journal.firstEntry, 10)).entries)
    await journal.clear()
    expect((await stat(path)).size).toBeLessThan(300)
    expect(await readFile(precious, 'utf8')).toBe('precious')
  })

  test('refuses files that are not journals, damaged journals and those of a newer version, and leaves them unchanged', async () => {
    const newer = Buffer.from(header.toString().replace('"version":1', '"version":2'))
    const { crc32 } = await import('node:zlib')
    const body = newer.toString().slice(0, -',"crc":"00000000"}\n'.length)
    const sealed = `${body},"crc":"${crc32(body).toString(16).padStart(8, '0')}"}\n`
    for (const [content, code] of [
      ['{"at":"2026-04-01T09:00:08Z"}\n', 'not_a_journal'],
      ['\0'.repeat(5_000), 'not_a_journal'],
      [sealed, 'journal_version_unknown'],
      [
        `${header.toString()}${line(1).toString().replace('message', 'massage')}${line(2).toString()}`,
        'journal_damaged',
      ],
    ] as const) {
      await writeFile(path, content)
      await expect(opened()).rejects.toMatchObject({ code })
      expect(await readFile(path, 'utf8')).toBe(content)
    }
    await rm(path)
    await mkdir(path)
    await expect(opened()).rejects.toThrow()
    await expect(opened({ path: '/dev/zero' })).rejects.toMatchObject({ code: 'not_a_journal' })
    await expect(opened({ path: join(folder, 'missing', 'x') })).rejects.toMatchObject({ code: 'file_error' })
  })

  test('that is full says so, still knows what it has, and takes more when it was emptied', async () => {
    const journal = await opened({ maxBytes: 2_000 })
    await journal.add(entry('a'))
    const { size } = await stat(path)
    await journal.prove()
    expect((await stat(path)).size).toBe(size)
    await journal.add(entry('of some length'.padEnd(300)))
    await expect(journal.prove()).rejects.toMatchObject({ code: 'journal_full' })
    await expect(journal.add(entry('x'.repeat(2_000)))).rejects.toMatchObject({ code: 'journal_full', retryable: true })
    await journal.add(entry('a'))
    settleAll(journal, (await journal.read(journal.firstEntry, 10)).entries)
    await journal.clear()
    await journal.add(entry('b'))
    expect(await texts(await reopened())).toEqual(['b'])
    expect(await readdir(folder)).toEqual(['chat.journal'])
  })

  test('that refused a message for lack of room is full until one of that size fits, though shorter ones do', async () => {
    const journal = await opened({ maxBytes: 40_000 })
    const events: unknown[] = []
    const note = ({ event }: LogFields): void => void events.push(event)
    const health = createJournalHealth(journal, { ...SILENT_LOG, error: note, info: note })
    const keep = async (text: string): Promise<string> => {
      try {
        await journal.add(entry(text))
        health.works()
        return 'kept'
      } catch (error) {
        health.failed(error as OperatorError)
        return (error as OperatorError).code
      }
    }
    const long = Array.from({ length: 5 }, (_, index) => String(index).padEnd(3_000))
    const answers: unknown[] = []
    for (const text of [...long, 'short', 'x'.repeat(20_000)]) answers.push(await keep(text))
    expect(answers).toEqual(['kept', 'kept', 'kept', 'kept', 'journal_full', 'kept', 'journal_full'])
    await expect(journal.prove()).rejects.toMatchObject({ code: 'journal_full' })
    expect(health.state()).toMatchObject({ journal: 'full', waiting: 5 })
    expect(events).toEqual(['journal_full'])

    settleAll(journal, (await journal.read(journal.firstEntry, 10)).entries)
    await journal.clear()
    health.works()
    expect(health.state()).toEqual({ journal: 'taking', waiting: 0 })
    // It would not fit into an empty journal, which is not full for its sake.
    expect(await keep('x'.repeat(20_000))).toBe('journal_full')
    await journal.prove()
    expect(journal.lacksRoom).toBe(false)
    expect(events).toEqual(['journal_full', 'journal_takes_again', 'journal_full'])
  })

  test('makes the file anew after a failed sync, since a later one would prove nothing', async () => {
    const journal = await opened()
    await journal.add(entry('a'))
    const before = await stat(path)
    const failing = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' })
    vi.spyOn((await handlePrototype()) as { datasync: () => Promise<void> }, 'datasync').mockRejectedValueOnce(failing)
    await expect(journal.add(entry('b'))).rejects.toMatchObject({ code: 'journal_not_written', retryable: true })
    await journal.add(entry('c'))
    expect((await stat(path)).ino).not.toBe(before.ino)
    expect(await texts(await reopened())).toEqual(['a', 'c'])
  })

  test('accepts nothing after another program has moved, emptied or written to its file', async () => {
    const journal = await opened()
    await journal.add(entry('a'))
    await rename(path, `${path}.1`)
    await expect(journal.prove()).rejects.toMatchObject({ code: 'journal_changed' })
    await expect(journal.add(entry('b'))).rejects.toMatchObject({ code: 'journal_changed' })
    await writeFile(path, 'else')
    await expect(journal.add(entry('b'))).rejects.toMatchObject({ code: 'journal_changed' })
    await expect(journal.clear()).rejects.toMatchObject({ code: 'journal_changed' })
    expect(await readFile(path, 'utf8')).toBe('else')
    await rename(`${path}.1`, path)
    await journal.add(entry('b'))
    await appendFile(path, 'else')
    await expect(journal.add(entry('c'))).rejects.toMatchObject({ code: 'journal_changed' })
  })

  test('cuts half a write off when the disk is full, and goes on when there is room', async ({ skip }) => {
    const disk = join(folder, 'disk')
    await mkdir(disk)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk], { stdio: 'ignore' })
    } catch {
      skip('only root may mount a small file system')
    }
    try {
      path = join(disk, 'chat.journal')
      const journal = await opened()
      await journal.add(entry('a'))
      await writeFile(join(disk, 'filling'), Buffer.alloc(40_000))
      const size = (await stat(path)).size
      await expect(journal.add(entry('x'.repeat(12_000)))).rejects.toMatchObject({ code: 'journal_disk_full' })
      expect((await stat(path)).size).toBe(size)
      await journal.add(entry('b'))
      await expect(journal.prove()).rejects.toMatchObject({ code: 'journal_disk_full' })
      await rm(join(disk, 'filling'))
      await journal.prove()
      expect(journal.lacksRoom).toBe(false)
      await journal.add(entry('x'.repeat(12_000)))
      const again = await reopened()
      expect(await texts(again)).toEqual(['a', 'b', 'x'.repeat(12_000)])
      // No room for a second file: it is emptied in place.
      settleAll(again, (await again.read(again.firstEntry, 10)).entries)
      await writeFile(join(disk, 'filling'), Buffer.alloc(100_000)).catch(() => undefined)
      await again.clear()
      await again.add(entry('c'))
      // What is stored already makes room for what is not.
      const keeping = await reopened({ keepAcknowledgedMs: 3_600_000 })
      await keepAll(keeping, ['x'.repeat(9_000)])
      await keeping.add(entry('d'.repeat(9_000)))
      expect(await acknowledged()).toEqual([])
      expect(await texts(await reopened())).toEqual(['c', 'd'.repeat(9_000)])
    } finally {
      await journals.pop()?.close()
      execFileSync('umount', [disk])
    }
  })
})
