import { randomUUID } from 'node:crypto'
import type { NewChatMessage, SavedChatMessage } from '../../persistence/message.js'
import type { Finding } from '../finding.js'
import { createProbeFindings, type ProbeFindings } from './findings.js'
import { findAgain, readAll, type FirstMessage } from './read-back.js'
import { attempt, socketOf, type GuestFlow } from './step.js'

/** Runs the guest flow step by step. A failed step becomes a finding; steps that depend on it are skipped. */
export const runGuestFlow = async (flow: GuestFlow): Promise<readonly Finding[]> => {
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

/** A euro sign, letters of several scripts, an emoji: an encoding that is not UTF8 lacks one of them. */
const MANY_SCRIPTS = 'probe \u20ac \u0141 \u0416 \u6f22 \ud83d\ude00'

const sayWithoutName = async (flow: GuestFlow, found: ProbeFindings): Promise<void> => {
  const step = 'a message of a guest without a name'
  const { value: saved } = await attempt(flow, found, step, () =>
    flow.store.saveChatMessage({ ...fromClient(flow), text: MANY_SCRIPTS, sessionId: socketOf(flow, 'nameless') }),
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

const fromClient = (flow: Pick<GuestFlow, 'guest'>): NewChatMessage => ({
  senderType: 'CLIENT',
  messageType: 'TEXT',
  clientSocketId: socketOf(flow, 'nameless'),
})
