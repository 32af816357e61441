import { setTimeout as delay } from 'node:timers/promises'
import { forgetOldest } from '../../collections/forget-oldest.js'
import { OperatorError } from '../../errors.js'
import { formatPollCursor, START } from '../../persistence/polling/poll-cursor.js'
import { hideOffset, revealOffset } from '../../protocol/answer-offset.js'
import type { OpaqueText } from '../../protocol/opaque-text.js'
import type { OperatorMessage } from '../../protocol/outgoing.js'
import type { ChatSocket } from '../chat-io.js'

/** An operator's message in the form of guests, and its number in the database, which they are not told. */
export interface Answer {
  readonly id: number
  readonly message: OperatorMessage
}

/** What was read of a conversation behind a cursor. */
export interface AnswersRead {
  readonly answers: readonly Answer[]
  /** Of all messages that were read. */
  readonly ids: readonly number[]
  /** Where reading goes on. */
  readonly cursor: string
}

/** The operators' messages to the guest of one socket. */
export interface GuestFeed {
  /** The socket has joined a conversation. @param isNew nothing was ever written in it */
  follow(conversation: string, isNew: boolean): void
  /** Shows an answer, unless it was shown on this page. */
  deliver(answer: Answer): void
  /** The socket has left its conversation. */
  end(): void
}

export interface GuestFeedParts {
  readonly socket: ChatSocket
  readonly opaque: OpaqueText
  /** @param cursor absent: reads nothing, and the cursor is behind all that is stored */
  readonly read: (conversation: string, cursor: string | undefined) => Promise<AnswersRead>
  /** Lets few feeds read at a time. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>
  readonly onUnread: (error: unknown) => void
}

/** Answers behind the cursor after which it is moved on: each offset names them all. */
const MOST_BEHIND_CURSOR = 100

/** Those that are not shown a second time when another server announces them late. */
const MOST_REMEMBERED = 1_000

/** Those before the cursor that another server may still announce when the page is connected again. */
const MOST_RECENT = 50

/** Between two pages of answers, and after a failure; doubled with each failure that follows. */
const PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000

/**
 * Shows a guest each answer once, also those that came while its page was not connected. After each answer the page gets an offset,
 * which Socket.IO's client (from 4.6 on) keeps, as the last text at the end of an event, and presents when it connects again.
 */
export const createGuestFeed = (parts: GuestFeedParts): GuestFeed => {
  let followed: Followed | undefined
  let presented: unknown = parts.socket.handshake.auth.offset
  const end = (): void => {
    followed?.ended.abort()
    followed = undefined
  }
  parts.socket.once('disconnect', end)
  return {
    follow: (conversation, isNew) => {
      if (followed?.conversation === conversation) return
      end()
      const offset = revealOffset(parts.opaque, presented)
      // A second join on this socket has been shown what came since.
      presented = undefined
      followed = followFrom(conversation, offset?.conversation === conversation ? offset : undefined, isNew)
      if (isNew) tellOffset(parts, followed)
      else void catchUp(parts, followed)
    },
    deliver: (answer) => {
      if (followed === undefined) return
      if (followed.held !== undefined) followed.held.push(answer)
      else showAndCatchUp(parts, followed, answer)
    },
    end,
  }
}

/** A conversation as its guest sees it on one socket. */
interface Followed {
  readonly conversation: string
  readonly ended: AbortController
  /** Absent until it was read. */
  cursor: string | undefined
  /** Answers that were shown, and that are not known to be before the cursor. */
  readonly behind: Set<number>
  /** Answers that were shown, the last ones. */
  readonly shown: Set<number>
  /** Answers that came while earlier ones are being read. */
  held: Answer[] | undefined
  isCatchingUp: boolean
}

const followFrom = (
  conversation: string,
  offset: { readonly cursor: string; readonly shown: readonly number[] } | undefined,
  isNew: boolean,
): Followed => ({
  conversation,
  ended: new AbortController(),
  cursor: offset?.cursor ?? (isNew ? FROM_THE_START : undefined),
  behind: new Set(offset?.shown),
  shown: new Set(offset?.shown),
  held: undefined,
  isCatchingUp: false,
})

const FROM_THE_START = formatPollCursor({ last: START, settled: START, seen: [] })

const show = (parts: GuestFeedParts, followed: Followed, { id, message }: Answer): void => {
  if (followed.shown.has(id)) return
  for (const ids of [followed.shown, followed.behind]) forgetOldest(ids.add(id), MOST_REMEMBERED)
  parts.socket.emit('operatorMessage', message)
  parts.socket.emit('incomingOperatorMessage', message)
  tellOffset(parts, followed)
}

// By itself, since clients in other languages take a second argument of a message for a mistake.
const tellOffset = ({ socket, opaque }: GuestFeedParts, followed: Followed): void => {
  const { conversation, cursor, behind } = followed
  const shown = [...new Set([...behind, ...[...followed.shown].slice(-MOST_RECENT)])]
  if (cursor !== undefined) socket.emit('position', hideOffset(opaque, { conversation, cursor, shown }))
}

const showAndCatchUp = (parts: GuestFeedParts, followed: Followed, answer: Answer): void => {
  show(parts, followed, answer)
  if (followed.behind.size > MOST_BEHIND_CURSOR) void catchUp(parts, followed)
}

/** Shows what was stored behind the cursor and not shown; never rejects. What the database does not give now is read later. */
const catchUp = async (parts: GuestFeedParts, followed: Followed): Promise<void> => {
  if (followed.isCatchingUp) return
  followed.isCatchingUp = true
  const { signal } = followed.ended
  let pauseMs = PAUSE_MS
  while (!hasEnded(followed)) {
    try {
      const next = await parts.inTurn(() => readOn(parts, followed))
      if (next === 'end') break
      pauseMs = PAUSE_MS
      if (next === 'on') continue
    } catch (error) {
      if (hasEnded(followed)) break
      parts.onUnread(error)
      if (!(error instanceof OperatorError && error.retryable)) break
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
    }
    await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined)
  }
  followed.isCatchingUp = false
}

const hasEnded = ({ ended }: Followed): boolean => ended.signal.aborted

/** `on`: there may be more to read; `later`: a page was shown, and the socket gets time for it. */
type Next = 'end' | 'on' | 'later'

const readOn = async (parts: GuestFeedParts, followed: Followed): Promise<Next> => {
  const { conversation, behind, cursor } = followed
  if (hasEnded(followed)) return 'end'
  const before = [...behind]
  followed.held = []
  try {
    const { answers, ids, cursor: next } = await parts.read(conversation, cursor)
    if (hasEnded(followed)) return 'end'
    const missed = answers.filter(({ id }) => !followed.shown.has(id))
    for (const answer of missed) show(parts, followed, answer)
    // An empty page: what was shown before it was read is before the cursor.
    for (const id of ids.length === 0 && cursor !== undefined ? before : ids) behind.delete(id)
    followed.cursor = next
    if (next !== cursor) tellOffset(parts, followed)
    if (ids.length === 0) return 'end'
    return missed.length === 0 ? 'on' : 'later'
  } finally {
    const { held } = followed
    followed.held = undefined
    if (!hasEnded(followed)) for (const answer of held) show(parts, followed, answer)
  }
}
