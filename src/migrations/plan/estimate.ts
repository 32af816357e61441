import type { Work } from '../locks/statement-effect.js'
import type { TableFacts } from './table-facts.js'

/** How long a statement will take once it has its locks, and where the figure comes from. */
export interface Estimate {
  /** Null where nobody can say. */
  readonly ms: number | null
  readonly basis: string
}

/** How long a migration took in this database when it was applied last. */
export interface PastRun {
  readonly migration: string
  readonly durationMs: number
  /** The day, e.g. `2026-11-22`. */
  readonly day: string
}

// Bytes of table a second. Measured on PostgreSQL 15, 2 cores, 1.5 and 5 million messages, all of it in memory; the slower
// of several runs. From a slow disk it takes longer, which the basis says.
const MEASURED_ON = 'measured in memory on 2 cores; slow disks take longer'
const RATES = { index: 74e6, partialIndex: 100e6, scan: 900e6, rows: 100e6 } as const
const CATALOG_MS = 2
const LEAST_MS = 10

const atRate = (rate: keyof typeof RATES, what: string, bytes: number): Estimate => ({
  ms: Math.max(LEAST_MS, Math.round((1_000 * bytes) / RATES[rate])),
  basis: `${what} at ${RATES[rate] / 1e6} MB/s, ${MEASURED_ON}`,
})

/** The estimate of one statement. A table that is not there yet is empty. */
export const estimateTime = (work: Work, tables: readonly TableFacts[]): Estimate => {
  const bytesOf = (names: readonly string[]): number =>
    Math.max(0, ...tables.filter(({ table }) => names.includes(table)).map(({ bytes }) => bytes))
  switch (work.kind) {
    case 'catalog':
      return { ms: CATALOG_MS, basis: 'changes only the catalog: milliseconds, however large the table is' }
    case 'index': {
      const reads = work.partial || work.method === 'brin'
      const bytes = bytesOf([work.table])
      return reads
        ? atRate('partialIndex', 'reads the table, indexes some of it', bytes)
        : atRate('index', 'reads and sorts the table', bytes)
    }
    case 'scan':
      return atRate('scan', 'reads every row', bytesOf([work.table]))
    case 'rows':
      return atRate('rows', 'works on rows', bytesOf(work.tables))
    case 'rewrite':
      return { ms: null, basis: 'writes every row anew: not measured, try it on a copy' }
    case 'unknown':
      return { ms: null, basis: 'a kind of statement that chatkeep does not know' }
  }
}

/** What happened here before says more than a rate from elsewhere, unless the table has grown since. */
export const withPast = (estimate: Estimate, past: PastRun | undefined): Estimate =>
  past === undefined || estimate.ms === null || past.durationMs <= estimate.ms
    ? estimate
    : { ms: past.durationMs, basis: `it took as long here on ${past.day}` }

/** Bytes of an index entry with its overhead: 150 MB for 5 million messages. */
const INDEX_ROW_BYTES = 32
const GUESSED_ROW_BYTES = 200

/** How much disk an index will need at most; block range indexes need next to nothing. */
export const estimateIndexBytes = (work: Work, tables: readonly TableFacts[]): number => {
  if (work.kind !== 'index' || work.method === 'brin') return 0
  const facts = tables.find(({ table }) => table === work.table)
  return facts === undefined ? 0 : Math.round((facts.rows ?? facts.bytes / GUESSED_ROW_BYTES) * INDEX_ROW_BYTES)
}
