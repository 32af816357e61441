import type {
  AlterTableCmd,
  AlterTableStmt,
  CommentStmt,
  Constraint,
  DropStmt,
  IndexStmt,
  Node,
  WithClause,
} from '@pgsql/types'
import { fitLine } from '../../terminal/wrap.js'
import { oneLine } from '../../database/waiting/one-line.js'
import type { Statement } from '../ledger/split-statements.js'
import { attachedIndexes, columnOf, commandsOf, constraintOf } from '../locks/alter-table.js'
import { relationName } from '../locks/relation-name.js'
import { tablesIn } from '../locks/row-locks.js'
import { namesOf } from '../locks/table-effect.js'

/** A statement in words, such as `create index ChatMessage_unread_idx, concurrently`. Names are not escaped. */
export const describeStatement = ({ sql, node }: Statement): string => wordsFor(node) ?? fitLine(oneLine(sql), LONGEST)

/** Of a statement for which there are no words. */
const LONGEST = 60

const wordsFor = (node: Node): string | undefined => {
  if ('AlterTableStmt' in node) return alterTable(node.AlterTableStmt)
  if ('IndexStmt' in node) return createIndex(node.IndexStmt)
  if ('DropStmt' in node) return drop(node.DropStmt)
  if ('CommentStmt' in node) return comment(node.CommentStmt)
  if ('CreateTrigStmt' in node)
    return `create trigger ${node.CreateTrigStmt.trigname} on ${relationName(node.CreateTrigStmt.relation)}`
  if ('CreateStmt' in node) return `create table ${relationName(node.CreateStmt.relation)}`
  if ('CreateSchemaStmt' in node) return `create schema ${node.CreateSchemaStmt.schemaname}`
  if ('CreateEnumStmt' in node) return `create type ${listed(node.CreateEnumStmt.typeName)}`
  if ('CreateFunctionStmt' in node) return `create function ${listed(node.CreateFunctionStmt.funcname)}`
  return rowWords(node)
}

// What a WITH query changes is as much of the statement as its end.
const rowWords = (node: Node): string | undefined => {
  if ('InsertStmt' in node) return withWords(node.InsertStmt, `insert into ${relationName(node.InsertStmt.relation)}`)
  if ('UpdateStmt' in node) return withWords(node.UpdateStmt, `update ${relationName(node.UpdateStmt.relation)}`)
  if ('DeleteStmt' in node) return withWords(node.DeleteStmt, `delete from ${relationName(node.DeleteStmt.relation)}`)
  if (!('SelectStmt' in node)) return undefined
  const tables = tablesIn(node)
  return tables.length === 0 ? undefined : withWords(node.SelectStmt, `select from ${tables.join(', ')}`)
}

const withWords = ({ withClause }: { readonly withClause?: WithClause }, words: string): string => {
  const queries = (withClause?.ctes ?? []).flatMap((cte) =>
    'CommonTableExpr' in cte ? (cte.CommonTableExpr.ctequery ?? []) : [],
  )
  const changes = queries.filter((query) => !('SelectStmt' in query)).flatMap((query) => rowWords(query) ?? [])
  return [...changes, words].join(', ')
}

const createIndex = ({ idxname = '', unique, concurrent, relation }: IndexStmt): string =>
  `create ${unique === true ? 'unique ' : ''}index ${idxname}${relation?.inh === true ? concurrently(concurrent) : ', without its partitions'}`

const concurrently = (concurrent: boolean | undefined): string => (concurrent === true ? ', concurrently' : '')

const alterTable = (alter: AlterTableStmt): string | undefined => {
  if (alter.objtype === 'OBJECT_INDEX')
    return `attach index ${attachedIndexes(alter).join(', ')} to ${alter.relation?.relname ?? ''}`
  if (alter.objtype !== 'OBJECT_TABLE') return undefined
  const commands = commandsOf(alter)
  const rest = commands.filter(({ subtype }) => subtype !== 'AT_AddColumn' && subtype !== 'AT_DropColumn')
  const parts = [
    ...rest.map(alteration),
    ...columnWords(
      'add',
      commands.flatMap((command) => (command.subtype === 'AT_AddColumn' ? [columnOf(command)?.colname] : [])),
    ),
    ...columnWords(
      'drop',
      commands.flatMap(({ subtype, name }) => (subtype === 'AT_DropColumn' ? [name] : [])),
    ),
  ]
  return `alter ${relationName(alter.relation)}: ${parts.join(', ')}`
}

const columnWords = (verb: 'add' | 'drop', names: readonly (string | undefined)[]): readonly string[] =>
  names.length === 0 ? [] : [`${verb} ${names.length === 1 ? 'column' : 'columns'} ${names.join(', ')}`]

const alteration = (command: AlterTableCmd): string => {
  const { subtype, name = '' } = command
  switch (subtype) {
    case undefined:
      return ''
    case 'AT_DropNotNull':
      return `drop NOT NULL of ${name}`
    case 'AT_SetNotNull':
      return `set ${name} NOT NULL`
    case 'AT_AlterColumnType':
      return `change the type of ${name}`
    case 'AT_ColumnDefault':
      return `${command.def === undefined ? 'drop' : 'set'} the default of ${name}`
    case 'AT_AddConstraint':
      return `add constraint ${constraintWords(constraintOf(command))}`
    default:
      // AT_SetStorage, AT_DropConstraint: the parser's own name says what it does.
      return `${subtype
        .replace('AT_', '')
        .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
        .replace(/Trig$/, 'Trigger')
        .toLowerCase()} ${name}`.trim()
  }
}

const constraintWords = ({ conname = 'without a name', skip_validation }: Partial<Constraint> = {}): string =>
  `${conname}${skip_validation === true ? ' (not validated)' : ''}`

const drop = ({ removeType, objects = [], concurrent }: DropStmt): string => {
  const kind = kindOf(removeType)
  return `drop ${kind} ${objects.map((object) => objectName(kind, object)).join(', ')}${concurrently(concurrent)}`
}

const comment = ({ objtype, object }: CommentStmt): string =>
  `comment on ${kindOf(objtype)} ${object === undefined ? '' : objectName(kindOf(objtype), object)}`

const kindOf = (type: string | undefined): string => (type ?? '').replace('OBJECT_', '').toLowerCase()

const objectName = (kind: string, object: Node): string => {
  const parts = namesIn(object)
  return kind === 'trigger' ? `${parts.at(-1)} on ${parts.at(-2)}` : parts.join('.')
}

const namesIn = (object: Node): readonly string[] => {
  if ('ObjectWithArgs' in object) return (object.ObjectWithArgs.objname ?? []).flatMap(namesIn)
  if ('TypeName' in object) return (object.TypeName.names ?? []).flatMap(namesIn)
  return 'String' in object ? [object.String.sval ?? ''] : namesOf(object)
}

const listed = (names: readonly Node[] | undefined): string => (names ?? []).flatMap(namesIn).join('.')
