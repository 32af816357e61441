import { commandPages } from './command-pages.js'
import { configSchemaFile } from './config-schema.js'
import { defaultThresholds } from './default-thresholds.js'
import { bundled, dependencies } from './dependencies.js'
import { errorCodes } from './error-codes.js'
import { findingCodes } from './finding-codes.js'
import { journalReport } from './journal-report.js'
import { metricFormats, metricList } from './metric-list.js'
import { serverLimits } from './server-limits.js'
import { sqlStates } from './sqlstates.js'
import { waitingLines } from './waiting-lines.js'

/** A page, or a part of one, that the program itself tells. */
export interface Generated {
  /** The page, from the root of the repository. */
  readonly path: string
  /** The part between `<!-- generated: NAME -->` and `<!-- end -->`; the whole page when absent. */
  readonly section?: string
  /** Markdown or JSON, as the page's name says; it is formatted afterwards. */
  readonly render: () => string
}

/** Add what the program tells: write ./<name>.ts and list it here. */
export const generated: readonly Generated[] = [
  ...commandPages(),
  configSchemaFile,
  findingCodes,
  metricList,
  metricFormats,
  errorCodes,
  serverLimits,
  sqlStates,
  waitingLines,
  journalReport,
  defaultThresholds,
  dependencies,
  bundled,
]
