import { ExitCode, OperatorError } from '../../errors.js'
import { escapeIdentifier, qualified } from '../../database/identifier.js'
import { CAPTURE_FUNCTION, quotedSchema } from '../../persistence/own-names.js'
import type { OwnState } from './own-state.js'
import { lacksAdded, type OwnTable } from './own-table.js'
import { OWN_TABLES } from './own-tables.js'
import { again, sql } from '../../next-step.js'

/** Something in chatkeep's own schema that chatkeep does not change by itself. */
export interface OwnConflict {
  readonly kind: 'owner' | 'columns'
  readonly object: string
  readonly expected: string
  readonly actual: string
  /** What puts it right, as SQL. */
  readonly fix: string
}

/** The objects in chatkeep's schema that belong to somebody else, or are not what their name says. */
export const ownConflicts = (own: OwnState): readonly OwnConflict[] => [...ownerConflicts(own), ...shapeConflicts(own)]

/** Whether a table has the columns of chatkeep's, so that it can be read. */
export const isOurs = (own: OwnState, name: string): boolean => shapeConflicts(own).every(({ table }) => table !== name)

const ownerConflicts = ({ names, owner, found }: OwnState): readonly OwnConflict[] => {
  if (found === undefined) return []
  const objects = [
    { type: 'SCHEMA', words: `schema ${quotedSchema(names)}`, name: quotedSchema(names), owner: found.owner },
    ...found.tables
      .filter(({ name }) => OWN_TABLES.some((table) => table.name === name))
      .map((table) => {
        const name = qualified(names.schema, table.name)
        return { type: 'TABLE', words: `table ${name}`, name, owner: table.owner }
      }),
    // The function of the trigger runs with the rights of its owner.
    ...found.functions
      .filter(({ name }) => name === CAPTURE_FUNCTION)
      .map((capture) => {
        const name = `${names.capture}()`
        return { type: 'FUNCTION', words: `function ${name}`, name, owner: capture.owner }
      }),
  ]
  return objects
    .filter((object) => object.owner !== owner)
    .map((object) => ({
      kind: 'owner',
      object: object.words,
      expected: `owned by ${owner}, as "ChatMessage"`,
      actual: `owned by ${object.owner}`,
      fix: `ALTER ${object.type} ${object.name} OWNER TO ${escapeIdentifier(owner)}`,
    }))
}

const shapeConflicts = ({ names, found }: OwnState): readonly (OwnConflict & { readonly table: string })[] =>
  (found?.tables ?? []).flatMap(({ name, kind, columns, key }) => {
    const wanted = OWN_TABLES.find((table) => table.name === name)
    if (wanted === undefined) return []
    const same =
      kind === kindOf(wanted) &&
      (key === null || key === wanted.key) &&
      (JSON.stringify(columns) === JSON.stringify(wanted.columns) || lacksAdded(wanted, columns))
    if (same) return []
    const table = qualified(names.schema, name)
    return [
      {
        table: name,
        kind: 'columns' as const,
        object: `table ${table}`,
        expected: `${describe(wanted.columns)}; primary key "${wanted.key}"`,
        actual:
          kind === kindOf(wanted)
            ? `${describe(columns)}; ${key === null ? 'no primary key' : `primary key "${key}"`}`
            : 'not a table',
        fix: `ALTER ${kind === 'v' ? 'VIEW' : 'TABLE'} ${table} RENAME TO ${escapeIdentifier(`${name}_old`)}`,
      },
    ]
  })

const kindOf = ({ parts }: OwnTable): string => (parts === undefined ? 'r' : 'p')

const describe = (columns: OwnTable['columns']): string =>
  columns.map(([name, type, notNull]) => `"${name}" ${type}${notNull ? ' NOT NULL' : ''}`).join(', ')

/**
 * What others own or have built under chatkeep's names is never adopted.
 * @throws OperatorError `own_objects_conflict` (exit 5)
 */
export const refuseOwnConflicts = (own: OwnState): void => {
  const conflicts = ownConflicts(own)
  if (conflicts.length === 0) return
  throw new OperatorError(
    'own_objects_conflict',
    `schema ${JSON.stringify(own.names.schema)} has objects that are not chatkeep's; nothing was changed`,
    {
      exitCode: ExitCode.refused,
      details: conflicts.map(({ object, expected, actual }) => `${object}: must be ${expected}, but is ${actual}`),
      hint: [
        sql(
          conflicts.map(({ fix }) => fix),
          'after checking who created these objects and why',
        ),
        again(),
      ],
    },
  )
}
