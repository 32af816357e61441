import { randomUUID } from 'node:crypto'
import type { Queryable } from '../../database/connection.js'
import { isServerError, type ServerError } from '../../database/sql-state.js'
import type { ChatStore } from '../../persistence/chat-store.js'
import { IdempotencyConflict, MessageNotStored } from '../../persistence/errors.js'
import type { NewChatMessage, SavedChatMessage } from '../../persistence/message.js'
import type { Finding } from '../finding.js'
import { createProbeFindings, type ProbeFindings } from './findings.js'
import type { ProbeSession } from './session.js'

export interface GuestFlow {
  readonly store: ChatStore
  /** Its transaction is the probe's. */
  readonly client: Queryable
  readonly session: ProbeSession
  readonly guest: { readonly username: string; readonly phone: string; readonly operatorId: number | null }
  /** The role that it runs as. */
  readonly user: string
  readonly schema: string
  readonly signal: AbortSignal
}

/** How a step went: its value, unless it failed, and what the server refused on the way. */
interface Outcome<T> {
  readonly value: T | undefined
  readonly refusals: readonly ServerError[]
}

/** Plays it step by step. A step that fails is a finding; those that rest on it are left out, and the others go on. */
export const playGuestFlow = async (flow: GuestFlow): Promise<readonly Finding[]> => {
  const found = createProbeFindings(flow)
  await sayWithoutName(flow, found)
  const first = await sayFirst(flow, found)
  if (first !== undefined) {
    await sayAgain(flow, found, first)
    const answer = await answerGuest(flow, found, first.saved)
    await readAll(flow, found, first, answer)
  }
  await attempt(flow, found, 'the constraints that are checked at commit', () =>
    flow.client.query('SET CONSTRAINTS ALL IMMEDIATE'),
  )
  return found.all()
}

interface FirstMessage {
  readonly message: NewChatMessage
  readonly saved: SavedChatMessage
}

const sayWithoutName = async (flow: GuestFlow, found: ProbeFindings): Promise<void> => {
  const step = 'a message of a guest without a name'
  const { value: saved } = await attempt(flow, found, step, () =>
    flow.store.saveChatMessage({ ...fromClient(flow), text: 'probe', sessionId: socketOf(flow, 'nameless') }),
  )
  if (saved !== undefined) await findAgain(flow, found, step, { sessionId: socketOf(flow, 'nameless') }, [saved])
}

const sayFirst = async (flow: GuestFlow, found: ProbeFindings): Promise<FirstMessage | undefined> => {
  const { guest, store } = flow
  const step = "a guest's first message"
  const message: NewChatMessage = {
    ...fromClient(flow),
    guestUsername: guest.username,
    guestPhone: guest.phone,
    clientSocketId: socketOf(flow, 'socket'),
    sessionId: socketOf(flow, 'session'),
    text: 'probe',
    idempotencyKey: randomUUID(),
  }
  const { value: saved, refusals } = await attempt(flow, found, step, () => store.saveChatMessage(message))
  if (saved === undefined) return undefined
  if (saved.clientId === null) found.withoutClient(step, refusals)
  return { message, saved }
}

const sayAgain = async (flow: GuestFlow, found: ProbeFindings, { message, saved }: FirstMessage): Promise<void> => {
  const step = 'the same message again, with the same key'
  const { value: again } = await attempt(flow, found, step, () => flow.store.saveChatMessage(message))
  if (again !== undefined && !(again.duplicate && again.id === saved.id)) found.duplicateAccepted(step)
}

const answerGuest = async (
  { store, guest, ...flow }: GuestFlow,
  found: ProbeFindings,
  { clientId }: SavedChatMessage,
): Promise<SavedChatMessage | undefined> => {
  const { value } = await attempt({ store, guest, ...flow }, found, "an operator's answer, an image", () =>
    store.saveChatMessage({
      senderType: 'OPERATOR',
      messageType: 'IMAGE',
      operatorId: guest.operatorId,
      clientId,
      guestUsername: guest.username,
      clientSocketId: socketOf({ guest }, 'socket'),
      sessionId: socketOf({ guest }, 'session'),
      imageUrl: 'data:image/gif;base64,R0lGODlhAQABAAAAACw=',
      imageName: 'probe.gif',
      mimeType: 'image/gif',
    }),
  )
  return value
}

const readAll = async (
  flow: GuestFlow,
  found: ProbeFindings,
  { message, saved }: FirstMessage,
  answer: SavedChatMessage | undefined,
): Promise<void> => {
  const { store, guest } = flow
  const written = [saved, ...(answer === undefined ? [] : [answer])]
  const contact = saved.clientId === null ? { guestUsername: guest.username } : { clientId: saved.clientId }
  await findAgain(flow, found, "the guest's history by name", { guestUsername: guest.username }, written, message)
  if (saved.clientId !== null) {
    await findAgain(flow, found, "the guest's history by client", { clientId: saved.clientId }, written)
  }
  await findAgain(flow, found, "the guest's history by socket", { clientSocketId: socketOf(flow, 'socket') }, written)
  const listing = 'the list of recent chats'
  const { value: recent } = await attempt(flow, found, listing, () => store.getRecentChats({ limit: 200 }))
  if (recent !== undefined) {
    const isListed = recent.chats.some(
      ({ clientId, username }) => clientId === saved.clientId && (clientId !== null || username === guest.username),
    )
    const oldest = recent.chats.at(-1)?.lastMessage.createdAt
    // A full page of messages from the future has no room for one of now.
    const hasRoom = recent.nextBefore === null || oldest === undefined || oldest <= saved.createdAt
    if (!isListed && hasRoom) found.notListed(listing)
  }
  const marking = 'marking it as read'
  const { value: marked } = await attempt(flow, found, marking, () =>
    store.markMessagesAsRead({ ...contact, operatorId: guest.operatorId }),
  )
  if (marked === 0) found.notMarked(marking)
}

/** Every message that was stored has to be there when it is asked for, as it was said. */
const findAgain = async (
  flow: GuestFlow,
  found: ProbeFindings,
  step: string,
  contact: { guestUsername: string } | { clientId: number } | { clientSocketId: string } | { sessionId: string },
  written: readonly SavedChatMessage[],
  said?: NewChatMessage,
): Promise<void> => {
  const { value: page } = await attempt(flow, found, step, () => flow.store.getChatHistory(contact))
  if (page === undefined) return
  const missing = written.filter(({ id }) => !page.messages.some((message) => message.id === id))
  if (missing.length > 0) {
    found.lost(step, missing.length, written.length)
    return
  }
  const read = page.messages.find(({ id }) => id === written[0]?.id)
  if (said === undefined || read === undefined) return
  const changed = SAID_COLUMNS.filter((column) => read[column] !== said[column])
  if (changed.length > 0) found.changed(step, changed)
}

const SAID_COLUMNS = [
  'guestUsername',
  'guestPhone',
  'clientSocketId',
  'senderType',
  'messageType',
  'text',
  'sessionId',
  'idempotencyKey',
] as const

const fromClient = (flow: Pick<GuestFlow, 'guest'>): NewChatMessage => ({
  senderType: 'CLIENT',
  messageType: 'TEXT',
  clientSocketId: socketOf(flow, 'nameless'),
})

const socketOf = ({ guest }: Pick<GuestFlow, 'guest'>, kind: string): string => `${guest.username}-${kind}`

const attempt = async <T>(
  { session, signal }: GuestFlow,
  found: ProbeFindings,
  step: string,
  work: () => Promise<T>,
): Promise<Outcome<T>> => {
  session.takeRefusals()
  try {
    const value = await work()
    return { value, refusals: session.takeRefusals() }
  } catch (error) {
    signal.throwIfAborted()
    const refusals = session.takeRefusals()
    explain(error, refusals, step, found)
    return { value: undefined, refusals }
  }
}

const explain = (error: unknown, refusals: readonly ServerError[], step: string, found: ProbeFindings): void => {
  const refusal = isServerError(error) ? error : refusals.at(-1)
  if (refusal !== undefined) {
    found.refused(step, refusal)
    return
  }
  if (error instanceof MessageNotStored) {
    found.swallowed(step)
    return
  }
  if (error instanceof IdempotencyConflict) {
    found.keyConflict(step)
    return
  }
  // Without a word of the server the connection is gone.
  throw error
}
