import { bodyOf } from '../bodies.js'
import { messageIdOf, type Person } from '../crowd.js'
import { seen, type Fault } from '../fault.js'
import { emit, openSocket, type Ack } from '../raw-socket.js'
import type { Stage } from '../stage.js'

const GUESTS = 10
const MESSAGES = 20
/** Sockets to each server for each guest; all send the same at once. */
const SOCKETS_EACH = 2

export const resendDuplicates: Fault = {
  name: 'resend-duplicates',
  summary: 'guests send each message on four sockets of two servers at once, again, and then another one under its key',
  strike: async (stage) => {
    const people = await Promise.all(Array.from({ length: GUESTS }, () => stage.crowd.invite()))
    const answers = (await Promise.all(people.map((person) => resendAs(stage, person)))).flat()
    const duplicates = answers.filter((answer) => answer?.ok === true && answer.duplicate === true)
    const conflicts = answers.filter((answer) => answer?.error?.code === 'idempotency_conflict')
    return seen([duplicates.length, 'answers "duplicate"'], [conflicts.length, 'answers "conflict"'])
  },
}

type Attempted = Ack | undefined

const resendAs = async (stage: Stage, person: Person): Promise<readonly Attempted[]> => {
  const { servers, seed, books, complain } = stage
  const { account, client, name, phone } = person
  const urls = servers.flatMap(({ front }) => Array.from({ length: SOCKETS_EACH }, () => front.url))
  const join = { role: 'client', username: name, phone, token: client.token }
  const sockets = await Promise.all(urls.map((url) => openSocket(url, join)))
  const all: Attempted[] = []
  try {
    for (let round = 0; round < MESSAGES; round += 1) {
      const number = books.begin(account)
      const message = { ...bodyOf(seed, account.sender, number), messageId: messageIdOf(number) }
      const first = await Promise.all(sockets.map((socket) => emit(socket, 'clientMessage', message)))
      const again = await Promise.all(sockets.map((socket) => emit(socket, 'clientMessage', message)))
      const ids = new Set([...first, ...again].flatMap((answer) => (answer?.id === undefined ? [] : [answer.id])))
      if (ids.size > 1)
        complain(`message ${number} of guest ${account.sender} was acknowledged as ${[...ids].join(', ')}`)
      const [id] = ids
      const other = { type: 'text', message: `not what was said ${number}`, messageId: message.messageId }
      const conflicts =
        id === undefined ? [] : await Promise.all(sockets.map((socket) => emit(socket, 'clientMessage', other)))
      if (conflicts.some((answer) => answer?.ok === true))
        complain(`a key of guest ${account.sender} took another body`)
      if (id === undefined) await settleByClient(stage, person, number)
      else books.settle(account, number, { kind: 'stored', id })
      all.push(...first, ...again, ...conflicts)
    }
  } finally {
    for (const socket of sockets) socket.disconnect()
  }
  return all
}

// None of the sockets got an answer with an id: the patient way finds out.
const settleByClient = async ({ seed, books }: Stage, { account, client }: Person, number: number): Promise<void> => {
  const kept = await client.send({ ...bodyOf(seed, account.sender, number), messageId: messageIdOf(number) })
  books.settle(account, number, kept.id === null ? { kind: 'queued' } : { kind: 'stored', id: kept.id })
}
