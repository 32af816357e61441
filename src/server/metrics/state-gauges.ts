import { stat } from 'node:fs/promises'
import type { Registry } from 'prom-client'
import { addGauge, addLabelledGauge } from './gauge.js'
import type { JournalLoad, ServerState } from './server-metrics.js'

/** Adds what a server is asked for at each scrape. */
export const addStateGauges = (registry: Registry, state: ServerState): void => {
  addSockets(registry, state)
  addStore(registry, state)
  if (state.journal !== undefined) addJournal(registry, state, state.journal)
}

const addSockets = (registry: Registry, { participants }: ServerState): void => {
  addLabelledGauge(
    registry,
    { name: 'chatkeep_server_sockets', help: 'Sockets connected to this server, by role.', label: 'role' },
    () => {
      const counts = { guest: 0, operator: 0, unjoined: 0 }
      for (const one of participants()) counts[one === undefined ? 'unjoined' : ROLES[one.role]] += 1
      return counts
    },
  )
  addGauge(
    registry,
    {
      name: 'chatkeep_server_conversations',
      help: 'Conversations whose guest is connected to this server.',
    },
    () => {
      const conversations = new Set<string>()
      for (const one of participants()) if (one?.role === 'client') conversations.add(one.conversation)
      return conversations.size
    },
  )
}

const ROLES = { client: 'guest', operator: 'operator' } as const

const addStore = (registry: Registry, { storeLoad }: ServerState): void => {
  addLabelledGauge(
    registry,
    {
      name: 'chatkeep_server_pool_connections',
      help: 'Connections of this server to the database, by what they do.',
      label: 'state',
    },
    () => {
      const { total, idle } = storeLoad().pool
      return { idle, busy: total - idle }
    },
  )
  addGauge(
    registry,
    { name: 'chatkeep_server_pool_waiting', help: 'Calls that wait for a connection to the database.' },
    () => storeLoad().pool.waiting,
  )
  addGauge(
    registry,
    {
      name: 'chatkeep_server_statements_abandoned',
      help: 'Statements since the start that took too long, could not be cancelled, and may still run in the database.',
    },
    () => storeLoad().abandoned,
  )
  addGauge(
    registry,
    {
      name: 'chatkeep_server_database_timeline',
      help: 'Timeline of the primary, which grows with each promotion of a standby; 0 if not known.',
    },
    () => storeLoad().timeline ?? 0,
  )
  addGauge(
    registry,
    { name: 'chatkeep_server_save_queue_messages', help: 'Messages that wait for the database or are being saved.' },
    () => storeLoad().queue.messages,
  )
  addGauge(
    registry,
    { name: 'chatkeep_server_save_queue_bytes', help: 'Bytes of the texts and images of these messages.' },
    () => storeLoad().queue.bytes,
  )
}

const addJournal = (registry: Registry, { isJournalUsable }: ServerState, journal: JournalLoad): void => {
  const gauges: readonly (readonly [name: string, help: string, read: () => number | Promise<number>])[] = [
    ['messages', 'Messages in the journal that wait for the database.', () => journal.waiting],
    ['bytes', 'Size of the journal.', () => journal.sizeBytes],
    ['max_bytes', 'Largest size of the journal: above it, messages are refused.', () => journal.maxBytes],
    ['oldest_seconds', 'Age of the oldest message in the journal; 0 if it is empty.', () => ageOf(journal.oldestAt)],
    [
      'rejected_bytes',
      'Size of the file of messages that the database refused for good; 0 if there is none.',
      () => sizeOf(journal.rejected.path),
    ],
    [
      'usable',
      'Whether the journal takes messages (1), or is full or cannot be written (0).',
      () => Number(isJournalUsable()),
    ],
  ]
  for (const [name, help, read] of gauges) addGauge(registry, { name: `chatkeep_server_journal_${name}`, help }, read)
}

const ageOf = (instant: number | undefined): number =>
  instant === undefined ? 0 : Math.max(0, Date.now() - instant) / 1_000

const sizeOf = async (path: string): Promise<number> => {
  try {
    return (await stat(path)).size
  } catch {
    // No message was refused yet, or somebody took the file away.
    return 0
  }
}
