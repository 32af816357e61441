import { metrics } from '../index.js'
import { readTable } from './threshold-table.js'
import type { Threshold } from './threshold.js'

/** A threshold that holds where none is set. */
export interface DefaultThreshold {
  /** As a file has it. */
  readonly warn?: string
  readonly crit?: string
  /** Why it is no false alarm, and what it finds. */
  readonly why: string
}

/** By `name` or `name{label=value}`. A healthy chat, however quiet, breaches none of them. */
export const DEFAULTS: Readonly<Record<string, DefaultThreshold>> = {
  messages_without_client: {
    warn: '100',
    why: 'Rare in a healthy chat; a few without any name may stay, since no command can link those.',
  },
  'messages_without_client_by_reason{reason=no_client}': {
    warn: '0',
    why: 'Guests get a client with their first message. What has none was kept all the same: `chatkeep reconcile` links it.',
  },
  'messages_without_client_by_reason{reason=not_linked}': {
    warn: '0',
    why: 'As above: `chatkeep reconcile` links them.',
  },
  invalid_indexes: { warn: '0', why: 'One that is being built does not count. `chatkeep migrate` rebuilds them.' },
  sequence_used_ratio: { warn: '80%', crit: '95%', why: 'At the end of its sequence, a table takes no more rows.' },
  id_exhaustion_seconds: { warn: '90d:', crit: '14d:', why: 'To make an id bigint takes planning.' },
  disk_full_seconds: { warn: '14d:', crit: '2d:', why: 'On a full disk nothing is saved.' },
  oldest_transaction_seconds: {
    warn: '15m',
    crit: '2h',
    why: 'Those of a chat take milliseconds, a dump takes minutes. An old one keeps VACUUM and migrations from their work.',
  },
  connections_used_ratio: { warn: '80%', crit: '95%', why: 'Without a free connection nothing is saved.' },
  replication_lag_seconds: {
    warn: '30s',
    crit: '5m',
    why: 'An idle standby has none. A failover would lose what it has not received, or wait for it.',
  },
  waiting_sessions: { warn: '10', why: 'A few wait for moments; a crowd waits behind one that holds a lock.' },
}

export const defaultThresholds = (): readonly Threshold[] => readTable(DEFAULTS, metrics).thresholds
