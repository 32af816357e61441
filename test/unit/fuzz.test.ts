import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { crc32, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDatabaseUrl, toConnectionTarget } from '../../src/database/connection-target.js'
import { parseServiceFile } from '../../src/database/target/service-file.js'
import { OperatorError } from '../../src/errors.js'
import { entryLine, headerLine } from '../../src/journal/journal-line.js'
import { readJournal } from '../../src/journal/read-journal.js'
import { DEFAULT_MAX_MESSAGE_BYTES } from '../../src/persistence/content/message-size.js'
import { prepareMessage } from '../../src/persistence/prepare-message.js'
import { readRunState } from '../../src/replay/resume/resume-state.js'
import { inspectTranscript } from '../../src/transcripts/inspect-transcript.js'
import { parseConfig } from '../../src/metrics/thresholds/parse-config.js'
import { readTranscript } from '../../src/transcripts/read-transcript.js'
import { transcriptFooter, transcriptHeader, transcriptMessage } from '../../src/transcripts/transcript-format.js'
import { withTranscript } from '../../src/transcripts/transcript-input.js'
import { toModels } from '../../src/verify/models/prisma-blocks.js'
import { mutated, pick, randomFrom, type Random } from '../support/mutate.js'
import { manyLines, transcriptLine } from '../support/transcript.js'

/** `npm run test:fuzz` sets it: how long each target is tried, with seeds that nobody has tried before. */
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 0)
/** Enough to meet every branch of the parsers. */
const SHORT_RUN = 100

interface Target {
  readonly seeds: readonly (string | Buffer)[]
  /** Changes what a checksum would otherwise reject. */
  readonly finish?: (random: Random, bytes: Buffer) => Buffer
  readonly read: (bytes: Buffer) => Promise<unknown>
}

let folder = ''
let path = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-fuzz-'))
  path = join(folder, 'input')
})
afterAll(() => rm(folder, { recursive: true }))

async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 4_096) yield await Promise.resolve(bytes.subarray(at, at + 4_096))
}

const drain = async (parts: AsyncIterable<unknown>): Promise<number> => {
  let count = 0
  for await (const _ of parts) count += 1
  return count
}

const message = prepareMessage(
  {
    senderType: 'CLIENT',
    messageType: 'TEXT',
    text: 'Hola',
    sessionId: 's',
    guestUsername: 'ana',
  },
  DEFAULT_MAX_MESSAGE_BYTES,
)
const entry = {
  message: { ...message, sessionId: 's', idempotencyKey: 's/1', createdAt: new Date('2026-04-01T09:00:00Z') },
  ...{ messageId: '1', contactKnown: true, attempted: false, size: null, operatorName: null, senderSocketId: 'socket' },
}
const journal = Buffer.concat([headerLine('0a1b'), entryLine({ ...entry, seq: 1 }), entryLine({ ...entry, seq: 2 })])

/** Half of the time every line gets a checksum that fits, as a forger would write it. */
const resealed = (random: Random, bytes: Buffer): Buffer => {
  if (random() < 0.5) return bytes
  const lines = bytes.toString('latin1').split('\n')
  const sealed = lines.map((line) => {
    const open = line.replace(/,"crc":"[0-9a-f]{8}"\}$/, '')
    return open === line ? line : `${open},"crc":"${crc32(Buffer.from(open, 'latin1')).toString(16).padStart(8, '0')}"}`
  })
  return Buffer.from(sealed.join('\n'), 'latin1')
}

const recorded = [
  transcriptHeader(new Date('2026-04-01T09:00:00Z')),
  transcriptMessage({
    message: { ...message, idempotencyKey: 's/1' },
    createdAt: new Date('2026-04-01T09:00:00Z'),
    operatorName: null,
  }),
].join('')
const recording = `${recorded}${transcriptFooter(1, createHash('sha256').update(recorded).digest('hex'))}`

const mattermost = [
  { type: 'version', version: 1 },
  { type: 'user', user: { username: 'ana', roles: 'system_guest' } },
  { type: 'direct_channel', direct_channel: { members: ['ana', 'lucia'] } },
  {
    type: 'direct_post',
    direct_post: {
      ...{ channel_members: ['ana', 'lucia'], user: 'ana', message: 'Hola', create_at: 1_774_000_000_000 },
      replies: [{ user: 'lucia', message: 'Yes?', create_at: 1_774_000_000_001 }],
    },
  },
]
  .map((line) => `${JSON.stringify(line)}\n`)
  .join('')

const schema = `model Client {
  id Int @id @default(autoincrement())
  phone String? @unique
  messages ChatMessage[]
}
model ChatMessage {
  id Int @id @default(autoincrement())
  clientId Int? @map("clientId")
  client Client? @relation(fields: [clientId], references: [id], onDelete: Restrict)
  senderType MessageSenderType @default(CLIENT)
  text String? @db.Text // a comment
  createdAt DateTime @default(now()) @db.Timestamp(3)
  @@index([clientId, createdAt(sort: Desc)], map: "a_b_idx")
  @@map("ChatMessage")
}
enum MessageSenderType {
  CLIENT @map("CLIENT")
  OPERATOR
}
`

const state = `${JSON.stringify({
  ...{ format: 'chatkeep-replay-state', version: 1 },
  run: { sizeBytes: 1, headSha256: 'a', format: 'plain', target: 'd', through: 'store' },
  state: { line: 1, finished: false, rejected: [{ line: 1, reason: 'x' }], rejectedBytes: 4 },
})}\n`

const readWholeTranscript = async (bytes: Buffer): Promise<void> => {
  await writeFile(path, bytes)
  const { signal } = new AbortController()
  await withTranscript({ path, cwd: folder, stdin: Readable.from([]), signal }, async (input) => {
    await inspectTranscript(input, { acceptTruncated: true, signal })
    await drain(readTranscript(input.read()))
  })
}

const TARGETS: Readonly<Record<string, Target>> = {
  journal: { seeds: [journal], finish: resealed, read: (bytes) => drain(readJournal(inPieces(bytes), 'journal')) },
  transcript: {
    seeds: [`${transcriptLine()}\n`, manyLines(3), recording, mattermost, gzipSync(manyLines(3)), gzipSync(recording)],
    read: readWholeTranscript,
  },
  'compressed transcript': {
    seeds: [manyLines(2), recording, mattermost],
    finish: (_random, bytes) => gzipSync(bytes),
    read: readWholeTranscript,
  },
  // The parser takes \v, which is no escape of JSON.
  'application schema': {
    seeds: [
      schema,
      schema.replace('"ChatMessage"', String.raw`"Chat\v"`),
      // The parser of the schema leaves out empty lists.
      'model Client {\n  @@index([])\n  @@unique(fields: [])\n}\n\nmodel Empty {\n}\n\nenum None {\n}\n',
    ],
    read: (bytes) => toModels([{ name: 'a.prisma', text: bytes.toString() }]),
  },
  'resume state': {
    seeds: [state],
    read: async (bytes) => {
      await writeFile(path, bytes, { mode: 0o600 })
      return readRunState(path, { sizeBytes: 1, headSha256: 'a', format: 'plain', target: 'd', through: 'store' })
    },
  },
  'configuration file': {
    seeds: [
      '{\n  "$schema": "./x.json",\n  "thresholds": { "waiting_sessions": { "warn": "10:20", "crit": null } }\n}\n',
      '{ "thresholds": { "table_bytes{table=\\"Client\\"}": { "warn": "@1.5GB:~", "crit": 5 }, "x": [] } }',
    ],
    read: (bytes) => Promise.resolve(parseConfig(bytes.toString())),
  },
  'service file': {
    seeds: ['# ours\n[crm]\nhost=db7\nport = 5439\n\n[other]\nhost=x\n'],
    read: (bytes) => Promise.resolve(parseServiceFile(bytes.toString(), 'crm', 'the test')),
  },
  'database URL': {
    seeds: [
      'postgres://u:p%40@127.0.0.1:5432/d?sslmode=disable&schema=a',
      'postgresql:///d?host=/tmp&connect_timeout=3',
    ],
    // Certificates are files that the URL names; what they hold is not parsed here.
    read: async (bytes) => {
      const keywords = await Promise.resolve(parseDatabaseUrl(bytes.toString(), 'the test'))
      return toConnectionTarget({ ...keywords, sslrootcert: undefined, sslcert: undefined, sslkey: undefined })
    },
  },
}

/** A parser may refuse what it is given; anything else that it throws is a bug. */
const bugIn = async ({ seeds, finish, read }: Target, seed: number): Promise<string | undefined> => {
  const random = randomFrom(seed)
  const changed = mutated(random, Buffer.from(pick(random, seeds)))
  try {
    await read(finish?.(random, changed) ?? changed)
    return undefined
  } catch (error) {
    return error instanceof OperatorError ? undefined : `seed ${seed}: ${(error as Error).stack ?? String(error)}`
  }
}

describe('bytes of strangers', () => {
  test.each(Object.entries(TARGETS))(
    'begin as something that can be read: %s',
    async (_name, { seeds, finish, read }) => {
      for (const seed of seeds.map((text) => Buffer.from(text))) await read(finish?.(() => 1, seed) ?? seed)
    },
  )

  test.each(Object.entries(TARGETS))(
    'are read or refused, and nothing else: %s',
    async (_name, target) => {
      const bugs: string[] = []
      let slowestMs = 0
      const startedAt = performance.now()
      const first = SECONDS > 0 ? Date.now() : 1
      const isOver = (tries: number): boolean =>
        SECONDS > 0 ? performance.now() - startedAt > SECONDS * 1_000 : tries >= SHORT_RUN
      let tries = 0
      for (; !isOver(tries); tries += 1) {
        const begunAt = performance.now()
        const bug = await bugIn(target, first + tries)
        slowestMs = Math.max(slowestMs, performance.now() - begunAt)
        if (bug !== undefined && bugs.push(bug) === 5) break
      }
      expect(bugs).toEqual([])
      // Inputs are small: a parser that takes this long is worse than linear.
      expect(slowestMs, `slowest of ${tries} inputs`).toBeLessThan(5_000)
    },
    SECONDS * 1_000 + 300_000,
  )

  test('a line that no server wrote is refused before it fills the memory', async () => {
    async function* endless(): AsyncGenerator<Buffer> {
      yield headerLine('0a1b')
      const chunk = Buffer.alloc(1_048_576, 'x')
      for (;;) yield await Promise.resolve(chunk)
    }
    await expect(drain(readJournal(endless(), 'a'))).rejects.toMatchObject({
      code: 'journal_damaged',
      message: 'a is damaged in line 2: it is longer than any line of a journal; nothing was cut off',
    })
  })
})
