import type { NewChatMessage, SavedChatMessage } from '../../persistence/message.js'
import type { ProbeFindings } from './findings.js'
import { attempt, socketOf, type GuestFlow } from './step.js'

export interface FirstMessage {
  readonly message: NewChatMessage
  readonly saved: SavedChatMessage
}

/** Reads the saved messages through every kind of history and the recent chats, then marks them as read. */
export const readAll = async (
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
    // If the whole page is from the future, the current message is not on it.
    const hasRoom = recent.nextBefore === null || oldest === undefined || oldest <= saved.createdAt
    if (!isListed && hasRoom) found.notListed(listing)
  }
  const marking = 'marking it as read'
  const { value: marked } = await attempt(flow, found, marking, () =>
    store.markMessagesAsRead({ ...contact, operatorId: guest.operatorId }),
  )
  if (marked === 0) found.notMarked(marking)
}

/** Checks that a history contains every saved message, and that the first has the values that were sent. */
export const findAgain = async (
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
