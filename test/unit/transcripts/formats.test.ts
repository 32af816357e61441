import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { inspectTranscript } from '../../../src/transcripts/inspect-transcript.js'
import { readTranscript } from '../../../src/transcripts/read-transcript.js'
import type { TranscriptInput } from '../../../src/transcripts/transcript-input.js'
import { transcriptFooter, transcriptHeader, transcriptMessage } from '../../../src/transcripts/transcript-format.js'

const at = new Date('2026-04-01T09:00:00Z')

const recorded = (text: string): string =>
  transcriptMessage({
    message: {
      ...{ senderType: 'CLIENT', messageType: 'TEXT', text, guestUsername: 'maria', sessionId: 'guest-1' },
      idempotencyKey: `guest-1/${text}`,
    },
    createdAt: at,
    operatorName: null,
  })

const LINES = [transcriptHeader(at), recorded('one'), '{"type":"typing"}\n', recorded('two')]

const native = (lines: readonly string[] = LINES, messages = 2): string =>
  lines.join('') + transcriptFooter(messages, createHash('sha256').update(lines.join('')).digest('hex'))

const inputOf = (content: string): TranscriptInput => ({
  name: 'recording',
  start: Buffer.from(content),
  identity: () => Promise.resolve({ sizeBytes: content.length, headSha256: '' }),
  read: async function* () {
    yield await Promise.resolve(Buffer.from(content))
  },
})

const inspect = async (content: string, acceptTruncated = false): Promise<string> => {
  try {
    const options = { acceptTruncated, signal: new AbortController().signal }
    const { format, truncated } = await inspectTranscript(inputOf(content), options)
    return truncated ? `${format}, truncated` : format
  } catch (error) {
    return (error as { readonly code: string }).code
  }
}

const read = async (content: string): Promise<readonly string[]> => {
  const found: string[] = []
  const onSkipped = (kind: string): void => void found.push(`- ${kind}`)
  for await (const { line, message, key, reasons } of readTranscript(inputOf(content).read(), { onSkipped })) {
    if (message === undefined) found.push(`${line}! ${reasons.join('; ')}`)
    else {
      const { conversation, from, username, operator, text } = message
      found.push([line, conversation, from, username, operator, text, key.replace(/^replay.*/, '*')].join('|'))
    }
  }
  return found
}

describe('the format of a transcript', () => {
  test.for<[string, string, string]>([
    ['plain lines', '{"at":"x"}\n', 'plain'],
    ['a whole recording', native(), 'native'],
    ['one with a byte order mark and Windows line ends', `\ufeff${native().replaceAll('\n', '\r\n')}`, 'native'],
    ['one without a last line feed', native().trimEnd(), 'native'],
    [
      'one that promises no footer',
      '{"type":"header","format":"chatkeep-transcript","version":1,"footer":false}\n',
      'native',
    ],
    ['an altered message', native().replace('"two"', '"too"'), 'transcript_altered'],
    ['a footer with another count', native(LINES, 3), 'transcript_altered'],
    ['lines after the footer', native() + recorded('three'), 'lines_after_footer'],
    ['two recordings in one', native() + native(), 'lines_after_footer'],
    ['a future version', native().replace('"version":1', '"version":2'), 'unknown_transcript_version'],
    ['an unknown header', '{"type":"header","format":"other","version":1}\n', 'unknown_transcript_format'],
    ['a Mattermost bulk file', '{"type":"version","version":1}\n', 'mattermost'],
    ['a newer Mattermost bulk file', '{"type":"version","version":2}\n', 'unknown_transcript_version'],
  ])('is told by the first line, and checked to the end: %s', async ([, content, expected]) => {
    expect(await inspect(content)).toBe(expected)
  })

  test('a recording that is cut anywhere behind its header is truncated, and is read as far as it goes if that is accepted', async () => {
    const whole = native()
    const texts: number[] = []
    for (let end = LINES[0]?.length ?? 0; end < whole.trimEnd().length; end += 7) {
      const cut = whole.slice(0, end)
      expect(await inspect(cut)).toBe('transcript_truncated')
      expect(await inspect(cut, true)).toBe('native, truncated')
      const entries = await read(cut)
      expect(entries.filter((entry) => entry.includes('!'))).toEqual([])
      texts.push(entries.filter((entry) => !entry.startsWith('-')).length)
    }
    expect([...new Set(texts)]).toEqual([0, 1, 2])
  })
})

describe('the lines of a format', () => {
  test('a recording keeps the ids of its messages as their keys, and skips other lines', async () => {
    expect(await read(native())).toEqual([
      '2|guest-1|client|maria||one|guest-1/one',
      '- typing',
      '4|guest-1|client|maria||two|guest-1/two',
    ])
  })

  test('another source has its ids to itself, and a message without one is known by its content', async () => {
    const header = '{"type":"header","format":"chatkeep-transcript","version":1,"source":"shop"}\n'
    const message =
      '{"type":"message","id":"1","at":"2026-04-01T09:00:00Z","conversation":"c","from":"client","username":"a","text":"t"}\n'
    const keys = async (content: string): Promise<readonly string[]> => {
      const found: string[] = []
      for await (const entry of readTranscript(inputOf(content).read())) found.push(entry.key ?? 'none')
      return found
    }
    const [one, two, three, four] = await keys(
      header + message + message + (message + message).replaceAll('"id":"1",', ''),
    )
    expect(one).toBe(two)
    expect(new Set([one, three, four]).size).toBe(3)
    expect(await keys(header.replace('shop', 'other') + message)).not.toContain(one)
  })

  test('Mattermost: guests are clients, replies are messages, twins are two, and the rest is counted', async () => {
    const post = { user: 'sam', message: 'hello', create_at: 1_775_034_000_000 }
    const direct = { type: 'direct_post', direct_post: { channel_members: ['ola', 'sam'], ...post } }
    const lines = [
      { type: 'version', version: 1 },
      { type: 'team', team: { name: 'shop' } },
      { type: 'user', user: { username: 'sam', roles: 'system_guest' } },
      { type: 'direct_channel', direct_channel: { members: ['ola', 'sam'] } },
      { type: 'post', post: { team: 'shop', channel: 'town', ...post, attachments: [{ path: 'a.png' }] } },
      direct,
      direct,
      { type: 'direct_post', direct_post: { channel_members: ['sam', 'ola'], ...post, user: 'ola', replies: [post] } },
      { type: 'direct_post', direct_post: { channel_members: ['sam', 'ola'], ...post, message: '' } },
      { type: 'post', post: { team: 'shop', channel: 'town', ...post, create_at: 'x' } },
    ]
    const content = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
    const found = await read(content)
    expect(found.slice(0, -1)).toEqual([
      '- team',
      '- user',
      '- direct_channel',
      '- attachment',
      '5|shop/town|client|sam||hello|*',
      '6|direct/ola,sam|client|sam||hello|*',
      '7|direct/ola,sam|client|sam||hello|*',
      '8|direct/ola,sam|operator|sam|ola|hello|*',
      '8|direct/ola,sam|client|sam||hello|*',
      '- post without text',
    ])
    expect(found.at(-1)).toMatch(/^10! /)
  })
})
