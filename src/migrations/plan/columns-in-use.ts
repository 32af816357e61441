import { describeIndex, findIndex } from '../../persistence/shape.js'
import { readDependents, type Dependent } from '../in-use/dependents.js'
import { readIndexUses } from '../in-use/index-uses.js'
import { readRelatives } from '../in-use/inheritance.js'
import { readLosses, type Loss } from '../in-use/losses.js'
import { readMentions, type Mention } from '../in-use/mentions.js'
import { readNullingKeys } from '../in-use/nulling-keys.js'
import { readRowTypeColumns } from '../in-use/row-types.js'
import { EFFECTS } from '../ledger/effects.js'
import type { RollbackScript } from '../ledger/migration-files.js'
import type { MigrationState } from '../ledger/migration-state.js'
import type { OwnClient } from '../own/own-client.js'
import { presenceOf } from '../ledger/presence.js'
import type { Obstacle } from './obstacle.js'
import { readDrops } from './schema-changes.js'
import { sql } from '../../next-step.js'

type State = Pick<MigrationState, 'catalog' | 'files'>

/**
 * Reads what uses a column or an index that the rollback drops: what would make the drop fail, and what would silently go with
 * it. The ways out work in the order of the list.
 */
export const readColumnsInUse = async (
  client: OwnClient,
  state: State,
  scripts: readonly RollbackScript[],
): Promise<readonly Obstacle[]> => {
  const { columns, indexes } = await readDrops(scripts)
  const foreign = foreignIndexes(state)
  const dependents = await readDependents(
    client,
    columns,
    [...OUR_INDEXES].filter((name) => !foreign.includes(name)),
  )
  const listed = new Set(dependents.map(({ object }) => object))
  const uses = (await readIndexUses(client, indexes)).filter(({ object }) => !listed.has(object))
  return [
    ...(columns.length === 0 ? [] : await readSharedColumns(client, columns)),
    ...dependents.map((dependent) => refused(useOf(dependent), dependent.wayOut)),
    ...uses.map(({ object, index, wayOut }) => refused(`${object} uses the index "${index}"`, wayOut)),
    ...indexes
      .filter((name) => foreign.includes(name) && !dependents.some(({ wayOut }) => wayOut.endsWith(`"${name}"`)))
      .map((name) => refused(...foreignIndex(name, state, client.own.application))),
    ...mentionObstacles(await readMentions(client, columns), listed),
    ...(await readNotes(client, state, columns, indexes)),
  ]
}

// Not only those of this rollback: a cut migrate may have built one that it did not record.
const OUR_INDEXES = EFFECTS.flatMap(({ effect }) => (effect.kind === 'index' ? [effect.index.name] : []))

const useOf = ({ object, columns, uses, effect }: Dependent): string => {
  const used = uses ?? columns.map((column) => `"ChatMessage"."${column}"`).join(' and ')
  return `${object} uses ${used}${effect === 'goes' ? ', and would be dropped with it' : ''}`
}

/** Indexes of the application under chatkeep's names. */
const foreignIndexes = ({ catalog }: State): readonly string[] =>
  EFFECTS.flatMap(({ effect }) =>
    effect.kind === 'index' && presenceOf(effect, catalog).state === 'conflict' ? [effect.index.name] : [],
  )

const foreignIndex = (name: string, { catalog }: State, schema: string): readonly [text: string, wayOut: string] => {
  const index = findIndex(catalog, name)
  const is = index === undefined ? '' : ` (${describeIndex(index)})`
  return [
    `index "${name}" is not chatkeep's${is}, and would be dropped`,
    `ALTER INDEX ${schema}."${name}" RENAME TO "${name.replace(/_(?:idx|key|brin)$/, '')}_kept"`,
  ]
}

// Such a trigger would fail every write of its table once the column is gone. It is named once, whatever it runs.
const mentionObstacles = (mentions: readonly Mention[], listed: ReadonlySet<string>): readonly Obstacle[] => {
  const named = new Set(listed)
  return mentions.flatMap(({ function: name, columns, triggers }): readonly Obstacle[] => {
    const mentioned = columns.map((column) => `"${column}"`).join(' and ')
    if (triggers.length === 0) return [note(`${name} has ${mentioned} in its text, and may fail without it`)]
    return triggers.flatMap(({ name: trigger, table, runs, wayOut }) => {
      const object = wayOut.replace(/^DROP TRIGGER /, 'trigger ')
      if (named.has(object)) return []
      named.add(object)
      const through = name === `function ${runs}` ? runs : `${runs}, and so ${name}`
      return refused(
        `trigger ${trigger} of ${table} runs ${through}, which has ${mentioned} in its text: without it, writes may fail`,
        wayOut,
      )
    })
  })
}

// What other tables have of the columns: whole messages of their row type, or the columns themselves by inheritance.
const readSharedColumns = async (client: OwnClient, columns: readonly string[]): Promise<readonly Obstacle[]> => {
  const rowTypes = await readRowTypeColumns(client)
  const relatives = await readRelatives(client)
  return [
    ...rowTypes.map(({ column, next }): Obstacle => ({
      code: 'column_in_use',
      effect: 'refused',
      text: `column ${column} stores rows of "ChatMessage", and would lose the dropped columns`,
      next,
    })),
    ...relatives.flatMap(({ kind, table, columns: shared, wayOut }) => {
      if (kind === 'child')
        return [
          refused(`table ${table} inherits from "ChatMessage": its columns would go, and it is not archived`, wayOut),
        ]
      const inherited = columns.filter((column) => shared.includes(column))
      if (inherited.length === 0) return []
      const names = inherited.map((column) => `"ChatMessage"."${column}"`).join(' and ')
      return [refused(`${names} comes from ${table}, and cannot be dropped`, wayOut)]
    }),
  ]
}

const readNotes = async (
  client: OwnClient,
  { files }: State,
  columns: readonly string[],
  indexes: readonly string[],
): Promise<readonly Obstacle[]> => {
  const ours = files.map(({ sql }) => sql).join('\n')
  const losses = await readLosses(client, columns, indexes, ours)
  const nulling = columns.includes('guestUsername') ? await readNullingKeys(client) : []
  return [
    ...losses.map((loss) => note(LOSSES[loss.kind](loss))),
    ...nulling.map(({ name, when }) => {
      const [verb, statement] = when === 'deleted' ? ['is deleted', 'DELETE'] : ['gets another id', 'UPDATE']
      return note(
        `"${name}" sets "clientId" to NULL when a client ${verb}: once the column is NOT NULL again, such ${statement === 'DELETE' ? 'a' : 'an'} ${statement} fails`,
      )
    }),
  ]
}

const LOSSES: Readonly<Record<Loss['kind'], (loss: Loss) => string>> = {
  privileges: ({ name, detail }) =>
    `privileges on "ChatMessage"."${name}" go with the column (granted to ${detail ?? ''}); migrate does not grant them again`,
  comment: ({ name }) => `the application's comment on "${name}" is dropped with it`,
  default: ({ name, detail }) =>
    `the default of "ChatMessage"."${name}" goes with the column (${detail ?? ''}); migrate does not set it again`,
  cluster: ({ name }) => `"ChatMessage" is clustered on "${name}": after the drop, CLUSTER needs another index`,
}

const refused = (text: string, wayOut: string): Obstacle => ({
  code: 'column_in_use',
  effect: 'refused',
  text,
  next: sql(wayOut, 'first'),
})

const note = (text: string): Obstacle => ({ code: 'column_in_use', effect: 'note', text })
