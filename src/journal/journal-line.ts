import { crc32 } from 'node:zlib'
import * as z from 'zod/mini'
import { MESSAGE_TYPES, SENDER_TYPES } from '../persistence/message.js'
import type { PreparedMessage } from '../persistence/prepare-message.js'
import type { Submission } from './submission.js'

/** The version of the format that this version of chatkeep writes and reads. */
export const JOURNAL_VERSION = 1
const FORMAT = 'chatkeep-journal'

export interface JournalHeader {
  readonly version: number
  /** Permanent; two servers with the same journal detect it by this id. */
  readonly id: string
}

/** A message that waits for the database. */
export interface JournalEntry extends Submission {
  /** In the form that will be stored; `createdAt` is the time at which the server received it. */
  readonly message: PreparedMessage & { readonly sessionId: string }
  /** Increases by one per line. */
  readonly seq: number
  /** An attempt to store it was made before, with an unknown outcome. */
  readonly attempted: boolean
  /** When it was acknowledged as stored, with `createdAt` as the time of its row; absent while it waits for the database. */
  readonly acknowledgedAt?: Date | undefined
}

const text = z.nullable(z.string())

const instant = z.pipe(
  z.iso.datetime(),
  z.transform((iso) => new Date(iso)),
)

const messageSchema = z.object({
  clientId: z.nullable(z.number()),
  guestUsername: text,
  guestPhone: text,
  clientSocketId: text,
  senderType: z.enum(SENDER_TYPES),
  operatorId: z.nullable(z.number()),
  messageType: z.enum(MESSAGE_TYPES),
  text,
  imageUrl: text,
  imageName: text,
  mimeType: text,
  sessionId: z.string(),
  idempotencyKey: z.string(),
  createdAt: instant,
})

/** A line of a journal, without its checksum. */
export const entrySchema = z.object({
  type: z.literal('message'),
  seq: z.int().check(z.minimum(1)),
  messageId: z.string(),
  contactKnown: z.boolean(),
  attempted: z.boolean(),
  size: z.nullable(z.number()),
  operatorName: text,
  senderSocketId: z.string(),
  message: messageSchema,
  acknowledgedAt: z.optional(instant),
})

const headerSchema = z.object({
  type: z.literal('header'),
  format: z.literal(FORMAT),
  version: z.number(),
  id: z.string().check(z.minLength(1)),
})

/** The first line of a journal, with its line feed. */
export const headerLine = (id: string): Buffer =>
  seal({ type: 'header', format: FORMAT, version: JOURNAL_VERSION, id, createdAt: new Date() })

/** The line of an entry, with its line feed. */
export const entryLine = ({ seq, ...rest }: JournalEntry): Buffer => seal({ type: 'message', seq, ...rest })

/** @returns undefined when the line is not a complete header of a journal */
export const parseHeader = (line: Uint8Array): JournalHeader | undefined => headerSchema.safeParse(unseal(line)).data

/** @returns undefined when the line is not a complete entry: torn, damaged or something else */
export const parseEntry = (line: Uint8Array): JournalEntry | undefined => entrySchema.safeParse(unseal(line)).data

const SEQ = /^\{"type":"message","seq":\d+,/

/** The line of an entry, without its line feed, with another number: all other bytes but the checksum stay. */
export const renumberedLine = (line: Buffer, seq: number): Buffer => {
  const open = line.toString('latin1', 0, line.length - SEAL_BYTES).replace(SEQ, `{"type":"message","seq":${seq},`)
  return sealed(Buffer.from(open, 'latin1'))
}

const SEAL_BYTES = ',"crc":"00000000"}'.length
const SEAL = /^,"crc":"([0-9a-f]{8})"\}$/

// The checksum is the last member and covers all bytes before it, which needs no canonical form of the rest.
const seal = (content: object): Buffer => {
  return Buffer.concat([sealed(Buffer.from(JSON.stringify(content).slice(0, -1))), LINE_FEED])
}

const LINE_FEED = Buffer.from('\n')

const sealed = (open: Buffer): Buffer =>
  Buffer.concat([open, Buffer.from(`,"crc":"${crc32(open).toString(16).padStart(8, '0')}"}`)])

const unseal = (line: Uint8Array): unknown => {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength)
  const end = bytes.length - SEAL_BYTES
  const [, checksum] = SEAL.exec(bytes.toString('latin1', Math.max(end, 0))) ?? []
  if (checksum === undefined || crc32(bytes.subarray(0, end)) !== parseInt(checksum, 16)) return undefined
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown
  } catch {
    // Not written by chatkeep: the checksum is right, and the content is not JSON.
    return undefined
  }
}
