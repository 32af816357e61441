import type { NewChatMessage } from '../persistence/message.js'

export const TRANSCRIPT_FORMAT = 'chatkeep-transcript'
export const TRANSCRIPT_VERSION = 1

/** The source whose message ids are idempotency keys of chatkeep and are used unchanged. */
export const CHATKEEP_SOURCE = 'chatkeep'

/** A committed message, and the name of the operator who wrote it. */
export interface RecordedMessage {
  readonly message: NewChatMessage & { readonly idempotencyKey: string }
  readonly createdAt: Date
  /** Null for a guest's message. */
  readonly operatorName: string | null
}

/** The lock that a chat server holds while it writes a recording. @param id that of its header */
export const recordingLock = (id: string): string => `chatkeep-recording-${id}`

/** First line of a native transcript. @param id of one that is being written: see `recordingLock` */
export const transcriptHeader = (recordedAt: Date, id?: string): string => toHeader(recordedAt, { id })

/** First line of an export, whose messages name their rows. */
export const exportHeader = (exportedAt: Date): string => toHeader(exportedAt, { export: true })

const toHeader = (recordedAt: Date, more: Readonly<Record<string, unknown>>): string =>
  toLine({
    type: 'header',
    format: TRANSCRIPT_FORMAT,
    version: TRANSCRIPT_VERSION,
    source: CHATKEEP_SOURCE,
    recordedAt: recordedAt.toISOString(),
    ...more,
  })

/** A message with everything that is stored of it, in the fields of a plain line and some more. */
export const transcriptMessage = ({ message, createdAt, operatorName }: RecordedMessage): string =>
  toLine({
    type: 'message',
    id: message.idempotencyKey,
    at: createdAt.toISOString(),
    conversation: message.sessionId ?? null,
    from: message.senderType === 'CLIENT' ? 'client' : 'operator',
    username: message.guestUsername ?? message.sessionId ?? null,
    // A chat of the library has a client, and no guest's name.
    ...(message.guestUsername == null ? { named: false } : {}),
    phone: message.guestPhone ?? null,
    operator: operatorName,
    operatorId: message.operatorId ?? null,
    messageType: message.messageType === 'IMAGE' ? 'image' : 'text',
    text: message.text ?? null,
    image: message.imageUrl ?? null,
    imageName: message.imageName ?? null,
    mimeType: message.mimeType ?? null,
    socketId: message.clientSocketId ?? null,
  })

/**
 * Last line of a native transcript; it reveals truncation and changes.
 * @param sha256 hexadecimal, over the lines before it, each with a line feed
 */
export const transcriptFooter = (messages: number, sha256: string): string =>
  toLine({ type: 'footer', messages, sha256 })

const toLine = (document: Readonly<Record<string, unknown>>): string => `${JSON.stringify(document)}\n`
