import { randomUUID } from 'node:crypto'
import { createHash } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryLine, headerLine, type JournalEntry } from '../../src/journal/journal-line.js'
import { DEFAULT_MAX_MESSAGE_BYTES } from '../../src/persistence/content/message-size.js'
import { prepareMessage } from '../../src/persistence/prepare-message.js'
import type { NewChatMessage } from '../../src/index.js'
import { transcriptFooter, transcriptHeader, transcriptMessage } from '../../src/transcripts/transcript-format.js'

/** A message of a file; the rest of it is made up. */
export interface FileMessage {
  readonly username?: string | null
  readonly clientId?: number
  readonly phone?: string
  readonly conversation?: string
  readonly text?: string
  readonly from?: 'CLIENT' | 'OPERATOR'
  /** An answer whose contact was not looked up yet. */
  readonly isWaiting?: boolean
  readonly key?: string
  /** When it was stored. */
  readonly at?: string
}

let made = 0

const toMessage = (
  one: FileMessage,
): NewChatMessage & { readonly sessionId: string; readonly idempotencyKey: string } => ({
  clientId: one.clientId ?? null,
  guestUsername: one.username ?? null,
  guestPhone: one.phone ?? null,
  senderType: one.from ?? 'CLIENT',
  messageType: 'TEXT',
  text: one.text ?? 'secret',
  sessionId: one.conversation ?? `of ${one.username ?? one.clientId ?? 'nobody'}`,
  idempotencyKey: one.key ?? `file ${(made += 1)}`,
  createdAt: new Date('2026-11-01T10:00:00Z'),
})

export const journalEntry = (one: FileMessage, seq: number): JournalEntry => ({
  seq,
  message: { ...prepareMessage(toMessage(one), DEFAULT_MAX_MESSAGE_BYTES), sessionId: toMessage(one).sessionId },
  messageId: 'm',
  contactKnown: one.isWaiting !== true && (one.username !== null || one.clientId !== undefined),
  attempted: false,
  size: null,
  operatorName: one.from === 'OPERATOR' ? 'Lucía' : null,
  senderSocketId: 's',
})

/** The text of a journal, whose first entry has some number. */
export const journalText = (messages: readonly FileMessage[], firstSeq = 1): string =>
  Buffer.concat([
    headerLine(randomUUID()),
    ...messages.map((one, index) => entryLine(journalEntry(one, firstSeq + index))),
  ]).toString()

export const rejectedText = (messages: readonly FileMessage[]): string =>
  messages
    .map(
      (one) =>
        `${JSON.stringify({ type: 'rejected', at: new Date(), code: 'c', reason: 'r', entry: journalEntry(one, 1) })}\n`,
    )
    .join('')

/** The text of a recording that its server has finished. */
export const recordingText = (messages: readonly FileMessage[], id?: string): string => {
  const createdAt = new Date('2026-11-01T10:00:00Z')
  const lines = [
    transcriptHeader(createdAt, id),
    ...messages.map((one) =>
      transcriptMessage({
        message: toMessage(one),
        createdAt: one.at === undefined ? createdAt : new Date(one.at),
        operatorName: null,
      }),
    ),
  ].join('')
  return lines + transcriptFooter(messages.length, createHash('sha256').update(lines).digest('hex'))
}

/** Writes files of a chat server into a new folder. @returns the path of each */
export const writeServerFiles = async <Name extends string>(
  texts: Readonly<Record<Name, string>>,
): Promise<Readonly<Record<Name, string>>> => {
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-files-'))
  const paths = {} as Record<Name, string>
  for (const [name, text] of Object.entries<string>(texts)) {
    paths[name as Name] = join(folder, name)
    await writeFile(join(folder, name), text, { mode: 0o600 })
  }
  return paths
}
