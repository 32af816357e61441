import type { OperatorError } from '../errors.js'

/** What a command may need of a database. */
export type Need =
  | 'server'
  | 'schema'
  | 'tables'
  | 'writable'
  | 'own session to migrate'
  | 'own session to roll back'
  | 'privileges to migrate'
  | 'privileges to roll back'
  | 'select'
  | 'every row'
  | 'encoding'
  | 'store'
  | 'privileges to retain'
  | 'privileges to erase'
  | 'privileges to export'

/** A command that works on a database. */
export interface DatabaseCommand {
  readonly name: string
  /** Whether it goes to the database that `DIRECT_URL` names. */
  readonly kind: 'direct' | 'pooled'
  /** The first that is not met says why it cannot run. */
  readonly needs: readonly Need[]
}

const STORE: readonly Need[] = ['schema', 'tables', 'writable', 'encoding', 'store']

/** status is not among them: it needs nothing, and marks what it may not see. */
export const DATABASE_COMMANDS: readonly DatabaseCommand[] = [
  { name: 'migrate', kind: 'direct', needs: ['server', 'own session to migrate', 'privileges to migrate'] },
  { name: 'verify', kind: 'direct', needs: ['select', 'every row'] },
  {
    name: 'rollback',
    kind: 'direct',
    needs: ['server', 'own session to roll back', 'privileges to roll back', 'every row'],
  },
  { name: 'metrics', kind: 'pooled', needs: ['schema', 'tables', 'select', 'every row'] },
  { name: 'reconcile', kind: 'pooled', needs: [...STORE, 'every row'] },
  { name: 'replay', kind: 'pooled', needs: STORE },
  { name: 'serve', kind: 'pooled', needs: STORE },
  { name: 'retain', kind: 'pooled', needs: ['schema', 'tables', 'writable', 'privileges to retain'] },
  { name: 'erase', kind: 'pooled', needs: ['schema', 'tables', 'writable', 'privileges to erase'] },
  { name: 'export', kind: 'pooled', needs: ['schema', 'tables', 'privileges to export'] },
]

/** Whether a command can run; if not, why. */
export interface Ability {
  readonly command: string
  readonly obstacle: OperatorError | undefined
}

/** Why each need is not met; those that are met have no entry. */
export type Unmet = ReadonlyMap<Need, OperatorError>

export const abilitiesOf = (commands: readonly DatabaseCommand[], unmet: Unmet): readonly Ability[] =>
  commands.map(({ name, needs }) => ({
    command: name,
    obstacle: needs.map((need) => unmet.get(need)).find((error) => error !== undefined),
  }))
