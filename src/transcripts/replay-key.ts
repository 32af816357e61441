import { createHash } from 'node:crypto'
import type { TranscriptMessage } from './transcript-line.js'

/** Marks messages in the database that were replayed. */
const PREFIX = 'replay/'

/**
 * The idempotency key of a line: the same line of the same transcript always has the same key, so running a replay
 * again, after a crash or a success, stores nothing twice.
 * @param ordinal how many equal lines came before it in the transcript: equal lines are separate messages
 */
export const replayKey = (message: TranscriptMessage, ordinal: number): string => PREFIX + digest(message, ordinal)

/** The key of a message that has an id in its source. */
export const sourceKey = (source: string, id: string): string =>
  PREFIX + sha256(JSON.stringify(['chatkeep source', source, id]))

/** The message id of a line on the socket, where the server prefixes it with the sender. */
export const messageIdOf = (key: string): string => (key.startsWith(PREFIX) ? key.slice(PREFIX.length) : sha256(key))

/**
 * The guest token by which a second run finds a replayed conversation. Unlike the token of a real guest, it can be
 * computed from the conversation and the name.
 */
export const guestTokenOf = ({ conversation, username }: TranscriptMessage): string =>
  sha256(JSON.stringify(['chatkeep replay token', conversation, username])).slice(0, TOKEN_LENGTH)

const TOKEN_LENGTH = 22

// JSON separates the fields, and escapes lone surrogates, which UTF-8 would make equal.
const digest = ({ conversation, from, username, at, text, image }: TranscriptMessage, ordinal: number): string => {
  const pictures = image?.url == null ? [] : [image.url, image.name, image.mimeType]
  return sha256(JSON.stringify([conversation, from, username, at.toISOString(), text, ordinal, ...pictures]))
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')
