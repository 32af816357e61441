import type { DropStmt } from '@pgsql/types'
import type { KnownObjects } from './statement-effect.js'
import { namesOf, NOTHING, onTables, type Effect } from './table-effect.js'

/** Locks of a DROP; undefined for an unknown kind of object. Objects that do not exist take no lock. */
export const dropEffect = (drop: DropStmt, known: KnownObjects): Effect | undefined => {
  const names = (drop.objects ?? []).map(namesOf)
  switch (drop.removeType) {
    case 'OBJECT_TABLE': {
      const tables = names.flatMap((parts) => parts.at(-1) ?? [])
      return onTables(
        tables.filter((table) => known.tables.includes(table)),
        'ACCESS EXCLUSIVE',
      )
    }
    case 'OBJECT_TRIGGER': {
      const triggers = names.map((parts) => ({ table: parts.at(-2) ?? '', name: parts.at(-1) ?? '' }))
      return onTables(
        triggers.filter((trigger) => mayExist(trigger, known)).map(({ table }) => table),
        'ACCESS EXCLUSIVE',
      )
    }
    case 'OBJECT_INDEX': {
      const found = known.indexes.filter(({ name }) => names.some((parts) => parts.at(-1) === name))
      const concurrent = drop.concurrent === true
      const tables = found.map(({ table }) => table)
      return {
        ...onTables(tables, concurrent ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE'),
        waitsForOldTransactions: concurrent && found.length > 0,
      }
    }
    case 'OBJECT_FUNCTION':
    case 'OBJECT_SEQUENCE':
    case 'OBJECT_TYPE':
      return NOTHING
    default:
      return undefined
  }
}

// The catalog holds only our own triggers.
const mayExist = (trigger: { readonly table: string; readonly name: string }, { triggers }: KnownObjects): boolean =>
  !trigger.name.startsWith('chatkeep_') ||
  triggers.some(({ table, name }) => table === trigger.table && name === trigger.name)
