import { expect, test } from 'vitest'
import { createChatLog } from '../../../src/server/log.js'
import { createGate } from '../../../src/concurrency/gate.js'
import { InvalidCall } from '../../../src/invalid-call.js'
import type { JournalEntry } from '../../../src/journal/journal-line.js'
import type { Journal } from '../../../src/journal/journal.js'
import { StoreUnavailable } from '../../../src/persistence/errors.js'
import { isConversation } from '../../../src/persistence/keys/key-scope.js'
import { heldByOthers } from '../../../src/persistence/locks/held-by-others.js'
import { prepareMessage } from '../../../src/persistence/prepare-message.js'
import { nobodyThen } from '../../../src/protocol/refusals.js'
import { createJournalDrain } from '../../../src/server/keeping/drain-journal.js'
import type { EntryOutcome } from '../../../src/server/keeping/save-entry.js'
import { until } from '../../support/until.js'

const START = { offset: 0, line: 1 }

const entryOf = (seq: number, sessionId: string): JournalEntry => ({
  ...{ seq, messageId: String(seq), contactKnown: isConversation(sessionId), attempted: false, size: null },
  ...{ operatorName: 'Ana', senderSocketId: 's' },
  message: {
    ...prepareMessage(
      {
        senderType: 'OPERATOR',
        sessionId,
        messageType: 'TEXT',
        text: 'x',
        idempotencyKey: `${seq}`,
        createdAt: new Date(0),
      },
      1_000,
    ),
    sessionId,
  },
})

interface Drained {
  readonly laneOf: (address: string) => Promise<string>
  readonly save?: ((seq: number) => EntryOutcome) | undefined
}

const STORED: EntryOutcome = { kind: 'stored' }

/** Drains entries with these addresses; `saved` are the numbers of those that are stored. */
const drainOf = (addresses: readonly string[], { laneOf, save = () => STORED }: Drained) => {
  const entries = addresses.map((address, index) => entryOf(index + 1, address))
  const saved: number[] = []
  const answers: string[] = []
  const journal: Partial<Journal> = {
    path: 'chat.journal',
    firstEntry: START,
    get waiting() {
      return entries.length - saved.length
    },
    read: ({ offset }, most) => {
      const read = entries.slice(offset, offset + most)
      return Promise.resolve({ entries: read, end: { ...START, offset: offset + read.length } })
    },
    idle: () => Promise.resolve(),
    clear: () => Promise.resolve(),
  }
  const drain = createJournalDrain({
    journal: journal as Journal,
    gate: createGate(),
    laneOf: ({ message: { sessionId } }) => laneOf(sessionId),
    save: ({ seq }) => {
      const outcome = save(seq)
      if (outcome.kind !== 'later') saved.push(seq)
      return Promise.resolve(outcome)
    },
    confirm: () => Promise.resolve(),
    onAvailable: () => answers.push('available'),
    onUnavailable: (code) => answers.push(code),
    onEmpty: () => answers.push('empty'),
    log: createChatLog({ level: 'info', format: 'json', output: { write: () => undefined } }),
  })
  drain.start()
  return { drain, saved, answers }
}

/** Looks every address up but one, for as long as there is an error. */
const failingAt = (failing: { readonly address: string; error?: Error | undefined }): Drained => ({
  laneOf: (address) =>
    failing.error !== undefined && address === failing.address
      ? Promise.reject(failing.error)
      : Promise.resolve(address),
})

test('nothing is stored before an earlier message whose chat the unavailable database did not tell', async () => {
  const failing = { address: 'ana', error: new StoreUnavailable('away', undefined) as Error | undefined }
  const { drain, saved, answers } = drainOf(['ben', 'ana', 'guest', 'ana', 'ben'], failingAt(failing))
  await until(() => answers.length > 1, { what: 'two rounds' })
  expect(saved).toEqual([1])
  expect(new Set(answers)).toEqual(new Set(['database_unavailable']))
  failing.error = undefined
  await until(() => answers.includes('empty'), { what: 'the journal is empty' })
  expect(saved.toSorted()).toEqual([1, 2, 3, 4, 5])
  await drain.stop()
})

test('a message whose address alone cannot be looked up stops no other', async () => {
  const failing = { address: 'odd', error: new InvalidCall('invalid_contact', 'odd') as Error | undefined }
  const { drain, saved, answers } = drainOf(['odd', ...Array<string>(20).fill('ana')], failingAt(failing))
  await until(() => saved.length === 20, { what: 'the others are stored' })
  expect(saved).not.toContain(1)
  expect(answers).not.toContain('empty')
  // The database refuses what is left, so it is not known to take messages.
  expect(new Set(answers)).toEqual(new Set(['invalid_contact']))
  failing.error = undefined
  await until(() => answers.includes('empty'), { what: 'the journal is empty' })
  expect(saved.at(-1)).toBe(1)
  await drain.stop()
})

test('an answer to a guest whose first message is held waits for that, whether or not its chat can be told', async () => {
  const conversation = `guest-${'a'.repeat(22)}`
  let isHeld = true
  let rounds = 0
  const { drain, saved, answers } = drainOf([conversation, 'mia', 'client-7', 'ben', 'mia'], {
    laneOf: (address) => {
      if (address === 'mia' && isHeld) return Promise.reject(nobodyThen(address))
      return Promise.resolve(address === 'ben' ? address : conversation)
    },
    save: (seq) => {
      if (seq !== 1 || !isHeld) return STORED
      rounds += 1
      return { kind: 'later', error: new StoreUnavailable('held', heldByOthers({}, 'key')) }
    },
  })
  await until(() => rounds > 1, { what: 'two rounds' })
  expect(saved).toEqual([4])
  isHeld = false
  await until(() => answers.includes('empty'), { what: 'the journal is empty' })
  expect(saved).toEqual([4, 1, 2, 3, 5])
  await drain.stop()
})
