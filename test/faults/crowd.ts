import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../bench/random.js'
import { bodyOf } from './bodies.js'
import { countUp, type Account, type Books } from './books.js'
import { GUESTS, operatorListener, type Broadcasts } from './broadcasts.js'
import { createChatClient, type ChatClient, type ChatClientOptions } from '../../src/client/chat-client.js'
import type { KeptMessage } from '../../src/client/outbox.js'
import { guestName, guestPhone, OPERATORS } from './people.js'

/** Somebody who writes, and how to be it again. */
export interface Person {
  readonly account: Account
  readonly client: ChatClient
  /** Which of the servers it speaks to. */
  readonly server: number
  readonly name: string
  readonly phone: string | undefined
}

/** An acknowledgement as it arrives. */
export interface Acknowledgement {
  readonly person: Person
  /** When its message was first sent, as `performance.now` counts. */
  readonly begunAt: number
  readonly kept: KeptMessage
}

/** What an operator has heard of the messages that guests of the other server have written. */
export interface Crossing {
  readonly heard: number
  readonly written: number
}

export interface CrowdOptions {
  readonly seed: number
  readonly random: Random
  readonly books: Books
  readonly broadcasts: Broadcasts
  /** URLs of the ways to the servers. */
  readonly fronts: readonly string[]
  readonly operatorSecret: string
}

/** Guests who write all the time, one message after the other, and operators who answer. */
export interface Crowd {
  /** All guests there ever were, visitors of a fault included. */
  readonly guests: readonly Person[]
  readonly operators: readonly Person[]
  /** Joins another guest, who does not write by itself. */
  readonly invite: () => Promise<Person>
  /** Joins guests and operators and lets them write until `finish`. */
  readonly start: (guests: number) => Promise<void>
  /** Those that `start` has joined, operators excepted. */
  readonly writers: () => readonly Person[]
  /** Sends the person's next message. */
  readonly write: (person: Person) => Promise<void>
  /** The guest once more, by its token alone; whoever asks for it closes it. */
  readonly comeBack: (person: Person) => ChatClient
  /** Told of each acknowledgement until the returned function is called. */
  readonly watch: (listener: (acknowledgement: Acknowledgement) => void) => () => void
  /** How often a server has answered with this error code. */
  readonly refusals: (code: string) => number
  /** Attempts so far: how many got no answer, how many turned out to be known already, how many were only queued. */
  readonly counts: () => { readonly unanswered: number; readonly duplicates: number; readonly queued: number }
  readonly crossings: () => readonly Crossing[]
  /** Lets everybody bring the message under way to its end. */
  readonly finish: () => Promise<void>
  readonly close: () => Promise<void>
}

/** So that a message under way on a dead link is soon sent again. */
const ANSWER_TIMEOUT_MS = 3_000

/** Nobody types faster; and a journal takes messages so much faster than a database that otherwise most would go there. */
const INTERVAL_MS = 50

/** Of the messages that an operator sees, so many are answered, as long as nothing else is. */
const ANSWERED_SHARE = 0.2

export const createCrowd = (options: CrowdOptions): Crowd => {
  const { seed, random, books, broadcasts, fronts, operatorSecret } = options
  const guests: Person[] = []
  const operators: Person[] = []
  const underWay = new Set<Promise<void>>()
  const watchers = new Set<(acknowledgement: Acknowledgement) => void>()
  const codes = new Map<string, number>()
  const counts = { unanswered: 0, duplicates: 0, queued: 0 }
  const crossed = new Map<Person, number>()
  const byConversation = new Map<string, Person>()
  let writers = 0
  let isOver = false

  const connect = (account: Account, server: number, join: ChatClientOptions['join']): ChatClient =>
    createChatClient({
      url: fronts[server] ?? '',
      join,
      answerTimeoutMs: ANSWER_TIMEOUT_MS,
      onAttempt: ({ messageId, outcome, code }) => {
        const number = numberOf(messageId)
        if (outcome === 'sent') countUp(account.attempts, number)
        if (outcome === 'no answer') {
          countUp(account.unanswered, number)
          counts.unanswered += 1
        }
        if (code !== undefined) codes.set(code, (codes.get(code) ?? 0) + 1)
      },
    })

  const invite = async (): Promise<Person> => {
    const account = books.open('client')
    const index = guests.length
    const server = index % fronts.length
    const [name, phone] = [guestName(index), guestPhone(index)]
    const client = connect(account, server, {
      role: 'client',
      username: name,
      ...(phone === undefined ? {} : { phone }),
    })
    const person = { account, client, server, name, phone }
    guests.push(person)
    client.on('operatorMessage', (payload: unknown) => broadcasts.hear(payload, GUESTS))
    await client.join()
    byConversation.set(client.clientId ?? '', person)
    return person
  }

  const write = async (person: Person, to?: Person): Promise<void> => {
    const { account, client } = person
    const number = books.begin(account, to?.account.sender)
    const begunAt = performance.now()
    const message = {
      ...bodyOf(seed, account.sender, number),
      messageId: messageIdOf(number),
      ...(to === undefined ? {} : { to: to.client.clientId ?? '' }),
    }
    try {
      const kept = await client.send(message)
      books.settle(account, number, kept.id === null ? { kind: 'queued' } : { kind: 'stored', id: kept.id })
      if (kept.duplicate) counts.duplicates += 1
      if (kept.queued) counts.queued += 1
      for (const watcher of watchers) watcher({ person, begunAt, kept })
    } catch (error) {
      books.settle(account, number, { kind: 'refused', reason: error instanceof Error ? error.message : String(error) })
    }
  }

  const employ = async (index: number): Promise<void> => {
    const account = books.open('operator')
    const server = index % fronts.length
    const name = `operator ${index}`
    const operatorId = index === OPERATORS - 1 ? null : index + 1
    const client = connect(account, server, { role: 'operator', name, operatorId, token: operatorSecret })
    const person = { account, client, server, name, phone: undefined }
    operators.push(person)
    const listener = operatorListener(index)
    client.on('operatorBroadcast', (payload: unknown) => broadcasts.hear(payload, listener))
    client.on('incomingMessage', (payload: unknown) => {
      broadcasts.hear(payload, listener)
      const guest = byConversation.get((payload as { readonly from: string }).from)
      if (guest !== undefined && guest.server !== server) crossed.set(person, (crossed.get(person) ?? 0) + 1)
      if (guest === undefined || account.isWaiting || isOver || random() >= ANSWERED_SHARE) return
      track(write(person, guest))
    })
    await client.join()
  }

  const track = (work: Promise<void>): void => {
    underWay.add(work)
    void work.finally(() => underWay.delete(work))
  }

  const writeOn = async (person: Person): Promise<void> => {
    while (!isOver) {
      const nextAt = performance.now() + INTERVAL_MS
      await write(person)
      await delay(Math.max(nextAt - performance.now(), 0))
    }
  }

  return {
    guests,
    operators,
    invite,
    write: (person) => write(person),
    start: async (wanted) => {
      await Promise.all(Array.from({ length: OPERATORS }, (_, index) => employ(index)))
      writers = wanted
      const joined = await Promise.all(Array.from({ length: wanted }, () => invite()))
      for (const person of joined) track(writeOn(person))
    },
    comeBack: ({ account, client, server, name }) =>
      connect(account, server, {
        role: 'client',
        username: name,
        ...(client.token === undefined ? {} : { token: client.token }),
      }),
    writers: () => guests.slice(0, writers),
    watch: (listener) => {
      watchers.add(listener)
      return () => watchers.delete(listener)
    },
    refusals: (code) => codes.get(code) ?? 0,
    counts: () => ({ ...counts }),
    crossings: () =>
      operators.map((operator) => ({
        heard: crossed.get(operator) ?? 0,
        written: guests
          .filter(({ server }) => server !== operator.server)
          .reduce((sum, { account }) => sum + account.begun, 0),
      })),
    finish: async () => {
      isOver = true
      await Promise.all(underWay)
    },
    close: async () => {
      isOver = true
      await Promise.all([...guests, ...operators].map(({ client }) => client.close()))
    },
  }
}

export const messageIdOf = (number: number): string => `m${number}`

export const numberOf = (messageId: string): number => Number(messageId.slice(1))
