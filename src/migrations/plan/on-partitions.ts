import type { Catalog } from '../../database/catalog.js'
import { CHAT_TABLES } from '../../persistence/shape.js'
import type { Effect } from '../ledger/effects.js'
import type { MigrationFile, RollbackScript } from '../ledger/migration-files.js'
import { KEY_INDEX_MIGRATION } from '../ledger/migration-names.js'
import type { Presence } from '../ledger/presence.js'
import type { OwnNames } from '../../persistence/own-names.js'
import type { OwnState } from '../own/own-state.js'
import { indexBody, indexUnits, type Unit, type WantedIndex } from '../partitions/index-units.js'
import { dropKeyTable, hasKeyTable, keyTableUnits } from '../partitions/key-table.js'
import { isPartitioned, MESSAGES, type Partitions } from '../partitions/partitions.js'

/** What runs instead of a file that builds an index of messages, where they are partitioned. */
export interface OnPartitions {
  readonly wanted: WantedIndex
  /** What runs first. */
  readonly before: readonly Unit[]
  /** What builds the index, as its partitions are now. */
  readonly units: readonly Unit[]
}

/** What the decision depends on. */
export interface PartitionState {
  readonly own: OwnState
  /** Undefined where messages are not partitioned. */
  readonly partitions: Partitions | undefined
}

/** @returns undefined where the file runs as it is */
export const onPartitions = (
  { name, sql }: MigrationFile,
  effect: Effect | undefined,
  { own, partitions }: PartitionState,
): OnPartitions | undefined => {
  const body = indexBody(sql)
  if (partitions === undefined || body === undefined || effect?.kind !== 'index' || effect.index.table !== MESSAGES)
    return undefined
  const wanted = { name: effect.index.name, definition: effect.index.definition, body }
  const before = name === KEY_INDEX_MIGRATION ? keyTableUnits(own) : []
  return { wanted, before, units: indexUnits(partitions, wanted) }
}

/** How much of an effect is there: an INVALID index of a partitioned table is completed, not rebuilt. */
export const presenceOnPartitions = (
  { name }: MigrationFile,
  presence: Presence,
  { own, partitions }: PartitionState,
): Presence => {
  if (partitions === undefined) return presence
  if (presence.state === 'invalid' && presence.index.table === MESSAGES)
    return { state: 'partial', reason: 'its index is not on every partition' }
  if (presence.state === 'present' && name === KEY_INDEX_MIGRATION && !hasKeyTable(own))
    return { state: 'partial', reason: 'there is no table of keys' }
  return presence
}

/** The way back of an index of partitions, which cannot be dropped CONCURRENTLY; its other statements stay. */
export const undoOnPartitions = (script: RollbackScript, catalog: Catalog, names: OwnNames): RollbackScript => {
  const dropped = DROPPED.exec(script.sql)?.[1]
  const table = catalog.indexes.find(({ name, table: of }) => name === dropped && CHAT_TABLES.includes(of))?.table
  if (!isPartitioned(catalog) || dropped === undefined || (table !== undefined && table !== MESSAGES)) return script
  const keys = script.file.name === KEY_INDEX_MIGRATION ? `${dropKeyTable(names)};\n` : ''
  return { ...script, sql: `DROP INDEX IF EXISTS "${dropped}";\n${keys}` }
}

const DROPPED = /^DROP INDEX CONCURRENTLY IF EXISTS "([^"]+)";$/m
