import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { ERROR_CODES } from '../../protocol/error-codes.js'
import { LIMITS, type Limit } from '../protection/limits.js'
import { createNativeCounter } from './native-histogram.js'
import type { NativeFamily } from './protobuf.js'
import type { DrainOutcome, MessageOutcome, ServerObserver } from './observer.js'

const OUTCOMES = {
  committed: 0,
  duplicate: 0,
  queued: 0,
  rejected: 0,
  failed: 0,
  dropped: 0,
} as const satisfies Readonly<Record<MessageOutcome, 0>>

const DRAIN_OUTCOMES = { stored: 0, duplicate: 0, rejected: 0 } as const satisfies Readonly<Record<DrainOutcome, 0>>

/** Under a name of its own: Prometheus keeps only one form of a name, and alerts read the classic one. */
const NATIVE_LATENCY = {
  name: 'chatkeep_server_acknowledgement_native_seconds',
  help: 'The same as chatkeep_server_acknowledgement_seconds, as a native histogram.',
}

/** From what a commit on a fast disk takes up to the deadline of the store. */
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export interface MessageCounters {
  readonly observer: ServerObserver
  /** What only protobuf can carry. */
  readonly readNative: () => readonly NativeFamily[]
}

/**
 * Counts messages. What arrived, what became of it and what is under way are counted apart, each where it happens: a message
 * that none of them accounts for is lost, and one that is counted twice was answered twice.
 */
export const countMessages = (registry: Registry): MessageCounters => {
  const registers = [registry]
  const seen = { received: 0, decided: 0, inFlight: 0 }
  const received = new Counter({
    name: 'chatkeep_server_messages_received_total',
    help: 'Messages that clients sent to this server.',
    registers,
  })
  const outcomes = new Counter({
    name: 'chatkeep_server_messages_total',
    help: 'Messages by outcome: committed, duplicate (stored before), queued (in the journal), rejected (because of the message or its sender), failed (because of the server or the database), dropped (its sender was refused or had left).',
    labelNames: ['outcome'],
    registers,
  })
  new Gauge({
    name: 'chatkeep_server_messages_in_flight',
    help: 'Messages that are not answered yet.',
    registers,
    collect() {
      this.set(seen.inFlight)
    },
  })
  new Gauge({
    name: 'chatkeep_server_messages_unaccounted',
    help: 'Messages received, less those with an outcome, less those in flight, each counted where it happens. Anything but 0 is a bug in chatkeep.',
    registers,
    collect() {
      this.set(seen.received - seen.decided - seen.inFlight)
    },
  })
  const latency = new Histogram({
    name: 'chatkeep_server_acknowledgement_seconds',
    help: 'Time from the arrival of a message to its acknowledgement, which says ok or error.',
    labelNames: ['result'],
    buckets: LATENCY_BUCKETS,
    registers,
  })
  const native = { ok: createNativeCounter(), error: createNativeCounter() }
  const drained = new Counter({
    name: 'chatkeep_server_journal_drained_total',
    help: 'Messages of the journal by what became of them: stored, duplicate (stored before), rejected (by the database, for good).',
    labelNames: ['outcome'],
    registers,
  })
  const refusals = new Counter({
    name: 'chatkeep_server_refusals_total',
    help: 'Events of clients that were answered with an error, by its code.',
    labelNames: ['code'],
    registers,
  })
  const limited = new Counter({
    name: 'chatkeep_server_limited_total',
    help: 'How often a limit of the server took effect, by its flag.',
    labelNames: ['limit'],
    registers,
  })
  // A rate needs a first value of 0.
  for (const outcome of Object.keys(OUTCOMES)) outcomes.inc({ outcome }, 0)
  for (const outcome of Object.keys(DRAIN_OUTCOMES)) drained.inc({ outcome }, 0)
  for (const code of Object.keys(ERROR_CODES)) refusals.inc({ code }, 0)
  for (const limit of Object.values(LIMITS)) limited.inc({ limit: flagOf(limit) }, 0)
  for (const result of ['ok', 'error']) latency.zero({ result })

  const observer: ServerObserver = {
    received: () => {
      seen.received += 1
      seen.inFlight += 1
      received.inc()
    },
    decided: (outcome) => {
      seen.decided += 1
      outcomes.inc({ outcome })
    },
    left: () => {
      seen.inFlight -= 1
    },
    acknowledged: (isOk, elapsedMs) => {
      const result = isOk ? 'ok' : 'error'
      latency.observe({ result }, elapsedMs / 1_000)
      native[result].observe(elapsedMs / 1_000)
    },
    drained: (outcome) => drained.inc({ outcome }),
    refused: (code) => refusals.inc({ code }),
    limited: (limit) => limited.inc({ limit: flagOf(LIMITS[limit]) }),
  }
  const readNative = (): readonly NativeFamily[] => [
    {
      ...NATIVE_LATENCY,
      histograms: Object.entries(native).map(([result, one]) => ({ labels: { result }, histogram: one.read() })),
    },
  ]
  return { observer, readNative }
}

const flagOf = ({ flag }: Limit): string => flag.replace(/^--/, '')
