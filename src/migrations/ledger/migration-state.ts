import type { Catalog } from '../../database/catalog.js'
import type { MigrationFile } from './files.js'
import type { History } from './history.js'

/** All that a plan is made from. */
export interface MigrationState {
  readonly files: readonly MigrationFile[]
  readonly history: History
  readonly catalog: Catalog
}
