import { createHash } from 'node:crypto'
import type { TranscriptMessage } from './transcript-line.js'

/** Marks, in the database, the messages that came in by replay. */
const PREFIX = 'replay/'

/**
 * The idempotency key of a line: the same line of the same transcript always has the same one, so nothing is doubled
 * by running a replay again, after a crash as little as after a success.
 * @param ordinal how many equal lines came before in the transcript: twins are two messages
 */
export const replayKey = (message: TranscriptMessage, ordinal: number): string => PREFIX + digest(message, ordinal)

/** The key of a message that has an id of its own in the source that it comes from. */
export const sourceKey = (source: string, id: string): string =>
  PREFIX + sha256(JSON.stringify(['chatkeep source', source, id]))

/** What a line is called on the socket, where the server puts its sender before it. */
export const messageIdOf = (key: string): string => (key.startsWith(PREFIX) ? key.slice(PREFIX.length) : sha256(key))

/**
 * The guest token under which a replayed conversation is found again by a second run. Unlike those of real guests it
 * can be computed by whoever knows the conversation and the name.
 */
export const guestTokenOf = ({ conversation, username }: TranscriptMessage): string =>
  sha256(JSON.stringify(['chatkeep replay token', conversation, username])).slice(0, TOKEN_LENGTH)

const TOKEN_LENGTH = 22

// JSON tells where one field ends and the next begins, and escapes lone surrogates, which UTF-8 would make equal.
const digest = ({ conversation, from, username, at, text, image }: TranscriptMessage, ordinal: number): string => {
  const pictures = image?.url == null ? [] : [image.url, image.name, image.mimeType]
  return sha256(JSON.stringify([conversation, from, username, at.toISOString(), text, ordinal, ...pictures]))
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')
