import { metrics } from '../index.js'
import { readTable, type ThresholdTable } from './threshold-table.js'
import type { Threshold } from './threshold.js'

/** What deserves attention in every chat: a healthy one, however quiet, is never alerted. */
export const DEFAULTS: ThresholdTable = {
  // Rare in a healthy chat. Those without any name cannot be linked by a command, so a few of them are no alert.
  messages_without_client: { warn: '100' },
}

export const defaultThresholds = (): readonly Threshold[] => readTable(DEFAULTS, metrics).thresholds
