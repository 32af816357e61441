import type { Catalog, CatalogFunction, CatalogTrigger } from '../database/catalog.js'
import { OWN_COLUMNS, type RequiredColumn, type RequiredIndex } from '../persistence/shape.js'

/** A table of chatkeep's own, whole. */
export interface OwnTable {
  readonly name: string
  readonly columns: readonly RequiredColumn[]
  readonly indexes: readonly RequiredIndex[]
}

const ownTable = (name: string, indexes: readonly Omit<RequiredIndex, 'table'>[]): OwnTable => ({
  name,
  columns: OWN_COLUMNS.filter(({ table }) => table === name),
  indexes: indexes.map((index) => ({ table: name, ...index })),
})

/** The list of chats. */
export const CHATS = 'chatkeep_chats'

export const GUEST_CLIENTS_TABLE = ownTable('chatkeep_guest_clients', [
  { name: 'chatkeep_guest_clients_pkey', unique: true, definition: 'btree ("clientId")' },
])

export const CHATS_TABLE = ownTable(CHATS, [
  { name: 'chatkeep_chats_chat_minute_idx', unique: false, definition: 'btree (chat, minute)' },
  { name: 'chatkeep_chats_minute_idx', unique: false, definition: 'btree (minute DESC)' },
])

/** What the table's comment says once all messages that were there before the triggers are in the list. */
export const CHATS_FILLED = 'When each chat was active last, to the minute; complete since it was filled'

/** A trigger that keeps the list of chats right; its definition without schema, as `CatalogTrigger` has it. */
export type RequiredTrigger = Omit<CatalogTrigger, 'enabled'>

const trigger = (name: string, event: string, scope: string): RequiredTrigger => ({
  table: 'ChatMessage',
  name,
  definition: `CREATE TRIGGER ${name} AFTER ${event} ON "ChatMessage" ${scope} EXECUTE FUNCTION ${name}()`,
})

export const NOTE_TRIGGERS: readonly RequiredTrigger[] = [
  trigger('chatkeep_note_inserted', 'INSERT', 'REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT'),
  trigger(
    'chatkeep_note_updated',
    'UPDATE',
    `FOR EACH ROW WHEN (((old."clientId" IS DISTINCT FROM new."clientId") OR ((new."clientId" IS NULL) AND (old."guestUsername" IS DISTINCT FROM new."guestUsername")) OR (date_trunc('minute'::text, old."createdAt") <> date_trunc('minute'::text, new."createdAt"))))`,
  ),
  trigger('chatkeep_note_deleted', 'DELETE', 'REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT'),
  trigger('chatkeep_note_truncated', 'TRUNCATE', 'FOR EACH STATEMENT'),
]

/** A function behind those triggers, by the md5 of its body. */
export type RequiredFunction = Omit<CatalogFunction, 'pinned'>

const runsAsCaller = (name: string, bodyMd5: string): RequiredFunction => ({ name, bodyMd5, definer: false })
const runsAsOwner = (name: string, bodyMd5: string): RequiredFunction => ({ name, bodyMd5, definer: true })

/** Change a body in migrations/11_note-chats.sql while it is not released, and the test of `migrate` says what belongs here. */
export const NOTE_FUNCTIONS: readonly RequiredFunction[] = [
  runsAsCaller('chatkeep_chat', '35bf02d8856c280f9eb9f2e0b3ebd0a3'),
  runsAsCaller('chatkeep_note', '29998ee33073cb62a72f7e927a5fa515'),
  runsAsCaller('chatkeep_note_in_snapshot', 'fe411d020f631bbfd7edd5bb10494546'),
  runsAsCaller('chatkeep_last', '8c93c9abce3c88d7d46af85fa4b03882'),
  runsAsCaller('chatkeep_unnote', '31d040d60bbc9368b35a9c407d453d20'),
  runsAsOwner('chatkeep_note_inserted', '1563cffaf947cb4ac0a304f450650dc2'),
  runsAsOwner('chatkeep_note_updated', '5eed7f7b8abe95934cc9554114241474'),
  runsAsOwner('chatkeep_note_deleted', '8067313f7d1fea158ab9008e1283965d'),
  runsAsOwner('chatkeep_note_truncated', 'd71a56d26df1369c53395ea7f2713b76'),
]

export type ObjectState = 'missing' | 'disabled' | 'differs' | 'ready'

export const triggerState = ({ triggers }: Catalog, wanted: RequiredTrigger): ObjectState => {
  const actual = triggers.find(({ table, name }) => table === wanted.table && name === wanted.name)
  if (actual === undefined) return 'missing'
  if (actual.definition !== wanted.definition) return 'differs'
  return actual.enabled ? 'ready' : 'disabled'
}

export const functionState = ({ functions }: Catalog, wanted: RequiredFunction): ObjectState => {
  const named = functions.filter(({ name }) => name === wanted.name)
  if (named.length === 0) return 'missing'
  const isRight = ({ bodyMd5, definer, pinned }: CatalogFunction): boolean =>
    bodyMd5 === wanted.bodyMd5 && definer === wanted.definer && (pinned || !definer)
  return named.some(isRight) ? 'ready' : 'differs'
}
