import type { Work } from '../locks/statement-effect.js'
import type { TableFacts } from './table-facts.js'

/** How long a statement takes once it has its locks, and the basis of that figure. */
export interface Estimate {
  /** Null if unknown. */
  readonly ms: number | null
  readonly basis: string
}

/** How long a migration took in this database when it was last applied. */
export interface PastRun {
  readonly migration: string
  readonly durationMs: number
  /** The day, e.g. `2026-11-22`. */
  readonly day: string
}

// Bytes of table per second. Measured on PostgreSQL 15 with 2 cores, 1.5 and 5 million messages, all in memory; the slower
// of several runs. A slow disk takes longer, as the basis says.
const MEASURED_ON = 'measured in memory on 2 cores; slow disks take longer'
const RATES = { index: 74e6, partialIndex: 100e6, scan: 900e6, rows: 100e6 } as const
const CATALOG_MS = 2
const MIN_MS = 10

const atRate = (rate: keyof typeof RATES, what: string, bytes: number): Estimate => ({
  ms: Math.max(MIN_MS, Math.round((1_000 * bytes) / RATES[rate])),
  basis: `${what} at ${RATES[rate] / 1e6} MB/s, ${MEASURED_ON}`,
})

/** Estimates one statement. A table that does not exist yet counts as empty. */
export const estimateTime = (work: Work, tables: readonly TableFacts[]): Estimate => {
  const bytesOf = (names: readonly string[]): number =>
    Math.max(0, ...tables.filter(({ table }) => names.includes(table)).map(({ bytes }) => bytes))
  switch (work.kind) {
    case 'catalog':
      return { ms: CATALOG_MS, basis: 'changes only the catalog: milliseconds, whatever the size of the table' }
    case 'index': {
      const indexesPart = work.partial || work.method === 'brin'
      const bytes = bytesOf([work.table])
      return indexesPart
        ? atRate('partialIndex', 'reads the table, indexes part of it', bytes)
        : atRate('index', 'reads and sorts the table', bytes)
    }
    case 'scan':
      return atRate('scan', 'reads every row', bytesOf([work.table]))
    case 'rows':
      return atRate('rows', 'changes rows', bytesOf(work.tables))
    case 'rewrite':
      return { ms: null, basis: 'rewrites the table: not measured, try it on a copy' }
    case 'unknown':
      return { ms: null, basis: 'unknown kind of statement' }
  }
}

/** Uses the recorded time of this database if it is longer than the estimate. A shorter one may date from a smaller table. */
export const withPast = (estimate: Estimate, past: PastRun | undefined): Estimate =>
  past === undefined || estimate.ms === null || past.durationMs <= estimate.ms
    ? estimate
    : { ms: past.durationMs, basis: `measured when it last ran here, on ${past.day}` }

/** Bytes per index entry with overhead: 150 MB for 5 million messages. */
const INDEX_ROW_BYTES = 32
const GUESSED_ROW_BYTES = 200

/** Disk space that an index needs at most. BRIN indexes need almost none. */
export const estimateIndexBytes = (work: Work, tables: readonly TableFacts[]): number => {
  if (work.kind !== 'index' || work.method === 'brin') return 0
  const facts = tables.find(({ table }) => table === work.table)
  return facts === undefined ? 0 : Math.round((facts.rows ?? facts.bytes / GUESSED_ROW_BYTES) * INDEX_ROW_BYTES)
}
