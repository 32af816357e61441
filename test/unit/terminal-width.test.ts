import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { commands } from '../../src/commands/index.js'
import { withHeartbeat } from '../../src/terminal/heartbeat.js'
import { createProgress } from '../../src/terminal/progress.js'
import { createRender } from '../../src/terminal/render.js'
import { createSafeStream } from '../../src/terminal/safe-stream.js'
import { widthOf } from '../../src/terminal/width.js'
import { hasUnicode } from '../../src/terminal/unicode.js'
import { fitLine, lengthOf, wrapText } from '../../src/terminal/wrap.js'
import { runChatkeep } from '../support/chatkeep.js'

describe('the width', () => {
  test.for<[string, { isTTY: boolean; columns: number | undefined; COLUMNS?: string }, number]>([
    ['of a terminal is its columns', { isTTY: true, columns: 132 }, 132],
    ['of a terminal that does not know it is 80', { isTTY: true, columns: 0 }, 80],
    ['of a very narrow terminal is 40', { isTTY: true, columns: 17 }, 40],
    ['of a terminal is COLUMNS, as in psql', { isTTY: true, columns: 132, COLUMNS: '60' }, 60],
    ['of a terminal is not a COLUMNS that is no number', { isTTY: true, columns: 132, COLUMNS: '-1' }, 132],
    ['of a file or a pipe is 80', { isTTY: false, columns: undefined }, 80],
    ['of a file or a pipe is not COLUMNS', { isTTY: false, columns: undefined, COLUMNS: '60' }, 80],
  ])('%s', ([, { isTTY, columns, COLUMNS }, expected]) => {
    expect(widthOf({ isTTY, columns }, { COLUMNS })).toBe(expected)
  })
})

describe('Unicode', () => {
  test.for<[Readonly<Record<string, string>>, boolean]>([
    [{}, true],
    [{ LANG: 'C' }, false],
    [{ LANG: 'de_DE.ISO-8859-1' }, false],
    [{ LANG: 'es_AR.UTF-8' }, true],
    [{ LANG: 'en_GB.utf8', LC_CTYPE: 'POSIX' }, false],
    [{ LANG: 'C', LC_ALL: 'C.UTF-8', LC_CTYPE: 'C' }, true],
    [{ LANG: 'C.UTF-8', LC_ALL: '' }, true],
    [{ LANG: 'C.UTF-8', TERM: 'linux' }, false],
  ])('with %j: %s', ([env, expected]) => {
    expect(hasUnicode(env)).toBe(expected)
  })

  test('that is missing changes our own signs, for people', async () => {
    const metrics = (...argv: readonly string[]) => runChatkeep(['metrics', ...argv], { env: { LC_ALL: 'C' } })
    expect((await metrics()).stderr).toContain('-d "host=... dbname=..."')
    expect((await metrics('--json')).stdout).toContain('host=… dbname=…')
  })

  test('that is missing does not change names', () => {
    const written: string[] = []
    const stream = { write: (text: string) => void written.push(text), isTTY: true, columns: 20 }
    createSafeStream(stream, { colour: false, unicode: false }).write('Ñandú 漢字…\n')
    expect(written).toEqual(['Ñandú 漢字...\n'])
  })
})

describe('a line that is too long', () => {
  const sql = 'DROP INDEX CONCURRENTLY "ChatMessage_unread_idx" /* the terminal wraps it */;'
  test.for<[string, string, string]>([
    ['is broken between words', 'ok: one two three four five', 'ok: one two three\n  four five'],
    ['hangs behind its name', 'refused  one two three four', 'refused  one two\n         three four'],
    ['hangs below a long name', '  --max-wait <time>  how long', '  --max-wait <time>\n    how long'],
    ['keeps its indent', '    one two three four five', '    one two three\n      four five'],
    [
      'keeps a word that is too long',
      'see ChatMessage_clientSocketId_createdAt_idx',
      'see\n  ChatMessage_clientSocketId_createdAt_idx',
    ],
    [
      'keeps a command',
      'Next: chatkeep rollback --to 10 --confirm "crm"',
      'Next:\n  chatkeep rollback --to 10 --confirm "crm"',
    ],
    [
      'keeps a command in bold',
      'Run \u001b[1mchatkeep rollback --to 10\u001b[22m',
      'Run\n  \u001b[1mchatkeep rollback --to 10\u001b[22m',
    ],
    ['keeps a query', 'Next: SELECT * FROM "ChatMessage"', 'Next:\n  SELECT * FROM "ChatMessage"'],
    ['keeps a statement', `now: ${sql}`, `now:\n  ${sql}`],
    ['breaks a sentence about one', 'note: CREATE INDEX leaves an index', 'note: CREATE INDEX\n  leaves an index'],
    ['keeps a statement behind its name', `  next  ${sql}`, `  next  ${sql}`],
    ['keeps the space behind a question', 'Migrate the database? [y] ', 'Migrate the\n  database? [y] '],
    ['breaks prose with a comma', 'DROP INDEX failed, timed out', 'DROP INDEX failed,\n  timed out'],
    ['keeps a line of JSON', '{"a": "one two three four five"}', '{"a": "one two three four five"}'],
    ['counts no colours', '\u001b[31mone\u001b[39m two three four', '\u001b[31mone\u001b[39m two three four'],
  ])('%s', ([, line, expected]) => {
    expect(wrapText(line, 20)).toBe(expected)
  })

  test('is wrapped on a terminal, and left for grep elsewhere', () => {
    const written: string[] = []
    const stream = { write: (text: string) => void written.push(text), isTTY: true, columns: 20 }
    createSafeStream(stream, { colour: false, width: () => 20 }).write('ok: one two three four\n')
    createSafeStream(stream, { colour: false }).write('ok: one two three four\n')
    expect(written).toEqual(['ok: one two three\n  four\n', 'ok: one two three four\n'])
  })
})

describe('a table', () => {
  const head = ['migration', 'what', 'time']
  const rows = [
    ['3_index', 'create an index, concurrently', '  5 s'],
    ['4_none', '', 'ms'],
  ]

  test('stays a table where it fits, to the last column', () => {
    const lines = createRender(false).table(head, rows).split('\n')
    const width = Math.max(...lines.map(lengthOf))
    expect(createRender(false, width).table(head, rows).split('\n')).toEqual(lines)
    expect(createRender(false, width - 1).table(head, rows)).toBe(
      ['3_index', '  what  create an index, concurrently', '  time  5 s', '4_none', '  time  ms'].join('\n'),
    )
  })

  test('has records whose values wrap between words', () => {
    expect(createRender(false, 24).table(head, rows).split('\n').slice(0, 3)).toEqual([
      '3_index',
      '  what  create an index,',
      '        concurrently',
    ])
  })
})

describe('progress', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  const shown = (redraws: boolean, waitedMs: number): string => {
    let all = ''
    const stream = { write: (text: string) => void (all += text), isTTY: true, columns: 24 }
    const progress = createProgress(createSafeStream(stream, { colour: redraws }), { redraws, width: () => 24 })
    progress.status('waiting 3.2 s for "ChatMessage"', 'x')
    vi.advanceTimersByTime(waitedMs)
    progress.line('done')
    vi.advanceTimersByTime(1_000)
    return all
  }

  test('is a live line that ends with a whole word', () => {
    expect(shown(true, 100)).toBe('\r\u001b[Kwaiting 3.2 s for…\r\u001b[Kdone\n')
    expect(fitLine('one,two three', 9)).toBe('one,two…')
  })

  test('of what takes less than 100 ms is not shown on a terminal', () => {
    expect(shown(true, 99)).toBe('done\n')
  })

  test('is a plain line where no escape codes may be written', () => {
    expect(shown(false, 0)).toBe('waiting 3.2 s for "ChatMessage"\ndone\n')
  })

  test('in a log goes on every 10 seconds, with what was said last', () => {
    const lines: string[] = []
    const quiet = { status: () => undefined, update: () => undefined, clear: () => undefined }
    const { progress, stop } = withHeartbeat({ ...quiet, line: (text) => void lines.push(text) }, 'migrate')
    vi.advanceTimersByTime(10_000)
    progress.status('building an index\u001b', 'x')
    vi.advanceTimersByTime(9_000)
    progress.status('building an index', 'x')
    vi.advanceTimersByTime(20_000)
    stop()
    vi.advanceTimersByTime(60_000)
    expect(lines).toEqual([
      'migrate goes on after 10.0 s',
      'migrate goes on after 29.0 s: building an index',
      'migrate goes on after 39.0 s: building an index',
    ])
  })
})

test.for([[], ...commands.map((create) => [create(() => () => Promise.resolve()).name()])])(
  'the help of chatkeep %s fits 80 columns',
  async (argv) => {
    const { stdout } = await runChatkeep([...argv, '--help'])
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  },
)
