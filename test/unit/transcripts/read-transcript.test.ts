import { describe, expect, test } from 'vitest'
import { MOST_LINE_BYTES } from '../../../src/persistence/content/message-size.js'
import { readTranscript } from '../../../src/transcripts/read-transcript.js'

const line = (part: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    at: '2026-04-01T09:00:08Z',
    conversation: 'c1',
    from: 'client',
    username: 'maria',
    text: 'Hello',
    ...part,
  })

async function* inPieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    yield await Promise.resolve(bytes.subarray(start, start + pieceBytes))
  }
}

/** `line number: text`, or `line number! reasons`, of every entry. */
const entries = (content: string | Buffer, pieceBytes = 65_536): Promise<readonly string[]> =>
  entriesIn(inPieces(Buffer.from(content), pieceBytes))

const entriesIn = async (chunks: AsyncIterable<Buffer>): Promise<readonly string[]> => {
  const found: string[] = []
  for await (const { line: number, message, reasons } of readTranscript(chunks)) {
    found.push(message === undefined ? `${number}! ${reasons.join('; ')}` : `${number}: ${message.text}`)
  }
  return found
}

describe('the lines of a transcript', () => {
  test.for<[string, string | Buffer, readonly string[]]>([
    ['an empty input', '', []],
    ['a byte order mark alone', '\ufeff', []],
    ['blank lines', '\n \t\n\r\n   ', []],
    ['one line with a line feed', `${line()}\n`, ['1: Hello']],
    ['a last line without one', `${line()}\n${line()}`, ['1: Hello', '2: Hello']],
    ['Windows line ends', `${line()}\r\n${line()}\r\n`, ['1: Hello', '2: Hello']],
    ['a byte order mark at the start', `\ufeff${line()}\n`, ['1: Hello']],
    ['a byte order mark where files were joined', `${line()}\n\ufeff${line()}\n`, ['1: Hello', '2: Hello']],
    ['blank lines between others, which still count', `\n${line()}\n\n\n${line()}\n`, ['2: Hello', '5: Hello']],
    ['line separators inside a text', `${line({ text: 'a\u2028b\u2029c' })}\n`, ['1: a\u2028b\u2029c']],
    ['escaped line feeds', `${line({ text: 'a\nb' })}\n`, ['1: a\nb']],
    [
      'a line that is cut off',
      `${line()}\n${line().slice(0, 30)}`,
      ['1: Hello', '2! is truncated: the input ends in the middle of it'],
    ],
    [
      'a line that is cut off inside a character',
      Buffer.from(`${line()}\n${line({ text: 'é' })}`).subarray(0, -3),
      ['1: Hello', '2! is truncated: the input ends in the middle of it'],
    ],
    ['a whole last line with a mistake', line({ text: 5 }), ['1! text must be a string']],
    ['what is not JSON', `nonsense\n${line()}\n`, ['1! is not valid JSON', '2: Hello']],
    [
      'what is not UTF-8',
      Buffer.concat([Buffer.from(`${line()}\n{"text":"`), Buffer.from([0xff, 0xfe]), Buffer.from(`"}\n${line()}\n`)]),
      ['1: Hello', '2! is not valid UTF-8', '3: Hello'],
    ],
  ])('%s', async ([, content, expected]) => {
    expect(await entries(content)).toEqual(expected)
  })

  test('are the same however the input is cut into pieces', async () => {
    const content = Buffer.from(`\ufeff${line({ text: 'é€😀' })}\r\n\n${line()}\n{"cut`)
    const whole = await entries(content)
    for (let pieceBytes = 1; pieceBytes < content.length; pieceBytes += 1) {
      expect(await entries(content, pieceBytes)).toEqual(whole)
    }
  })

  test('are refused by their number when they are too long, and the next one is read', async () => {
    const piece = Buffer.alloc(1_048_576, 'x')
    async function* around(rest: string): AsyncGenerator<Buffer> {
      yield Buffer.from(`${line()}\n`)
      for (let bytes = 0; bytes <= MOST_LINE_BYTES; bytes += piece.length) yield await Promise.resolve(piece)
      yield Buffer.from(rest)
    }
    const first = ['1: Hello', '2! is longer than 385 MiB']
    expect(await entriesIn(around(`\n${line()}\n`))).toEqual([...first, '3: Hello'])
    expect(await entriesIn(around(''))).toEqual(first)
  })

  test('may be as long as the largest message in its longest form', async () => {
    const text = String.raw`\u0000`.repeat(1_048_576 / 3)
    const found = await entries(`${line({ text: 'TEXT' }).replace('TEXT', text)}\n`)
    expect(found[0]?.length).toBeGreaterThan(300_000)
    expect(found[0]?.startsWith('1: ')).toBe(true)
  })
})
