import { inEarnest, or } from '../../../next-step.js'
import { CHAT_TABLES } from '../../../persistence/shape.js'
import { BASE_MIGRATION } from '../../ledger/migration-names.js'
import type { Obstacle } from '../obstacle.js'
import type { MigrationPlan } from '../plan.js'

/** A database without the chat's tables is most likely the wrong one: it gets them only when that was asked for. */
export const tableObstacles = (
  { steps }: Pick<MigrationPlan, 'steps'>,
  /** The database, its server and the role, in words. */
  target: string,
  { schema, createTables }: { readonly schema: string; readonly createTables: boolean },
): readonly Obstacle[] => {
  if (!steps.some(({ file, action }) => file.id === BASE_MIGRATION && action === 'run')) return []
  const text = `${target} has no tables of a chat in schema ${JSON.stringify(schema)}`
  const tables = CHAT_TABLES.map((table) => `"${table}"`).join(', ')
  return createTables
    ? [{ code: 'chat_tables_missing', effect: 'note', text: `${text}: the plan creates ${tables}` }]
    : [
        {
          code: 'chat_tables_missing',
          effect: 'refused',
          text: `${text}: this may be the wrong database`,
          next: [
            'name the right one, or the schema of its tables with --schema',
            or({ ...inEarnest('--create-tables'), why: `create ${tables}` }),
          ],
        },
      ]
}
