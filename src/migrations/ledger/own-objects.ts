import type { Catalog, CatalogFunction, CatalogTrigger } from '../../database/catalog.js'
import {
  CHAT_TABLES,
  OWN_COLUMNS,
  OWN_TABLES,
  type RequiredColumn,
  type RequiredIndex,
} from '../../persistence/shape.js'

/** One of chatkeep's own tables. */
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

/** Every table that a plan may touch: the application's and chatkeep's own. */
export const KNOWN_TABLES: readonly string[] = [...CHAT_TABLES, ...OWN_TABLES]

/** The list of chats. */
export const CHATS = 'chatkeep_chats'

export const GUEST_CLIENTS_TABLE = ownTable('chatkeep_guest_clients', [
  { name: 'chatkeep_guest_clients_pkey', unique: true, definition: 'btree ("clientId")' },
])

export const CHATS_TABLE = ownTable(CHATS, [
  { name: 'chatkeep_chats_chat_period_idx', unique: false, definition: 'btree (chat, period)' },
  { name: 'chatkeep_chats_period_idx', unique: false, definition: 'btree (period DESC)' },
])

/** The table's comment once the list covers every message older than the triggers. */
export const CHATS_FILLED = 'When each chat was active last, to ten seconds; complete since it was filled'

/** A trigger that maintains the list of chats; its definition has no schema, as in `CatalogTrigger`. */
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
    `FOR EACH ROW WHEN (((old."clientId" IS DISTINCT FROM new."clientId") OR ((new."clientId" IS NULL) AND (old."guestUsername" IS DISTINCT FROM new."guestUsername")) OR (old."createdAt" IS DISTINCT FROM new."createdAt")))`,
  ),
  trigger('chatkeep_note_deleted', 'DELETE', 'REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT'),
  trigger('chatkeep_note_truncated', 'TRUNCATE', 'FOR EACH STATEMENT'),
]

/** A function of those triggers, identified by the MD5 of its body. */
export type RequiredFunction = Omit<CatalogFunction, 'pinned'>

const runsAsCaller = (name: string, bodyMd5: string): RequiredFunction => ({ name, bodyMd5, definer: false })
const runsAsOwner = (name: string, bodyMd5: string): RequiredFunction => ({ name, bodyMd5, definer: true })

/** After a change of a body in migrations/11_note-chats.sql (only before its release), the test of `migrate` prints the new hash. */
export const NOTE_FUNCTIONS: readonly RequiredFunction[] = [
  runsAsCaller('chatkeep_chat', '35bf02d8856c280f9eb9f2e0b3ebd0a3'),
  runsAsCaller('chatkeep_period', '6f635c1a4146730fbc6d5c061022dc3c'),
  runsAsCaller('chatkeep_note', '3d9c6e827b5cb7be0eaa64fe40da2796'),
  runsAsCaller('chatkeep_note_in_snapshot', 'd92f0bc289d5f733ea2407bf7f0c4764'),
  runsAsCaller('chatkeep_last', '2e580261ae62bd5081b278ec7f3b02b4'),
  runsAsCaller('chatkeep_unnote', 'ba61a8cdf3947972e9383a42dac88cb2'),
  runsAsOwner('chatkeep_note_inserted', '308d457daa26f51847720a0657b9d341'),
  runsAsOwner('chatkeep_note_updated', '16e68e294cdd61bcaa58cf9ca2bb6f4a'),
  runsAsOwner('chatkeep_note_deleted', '40e8158a332f3f65ac4f285f193f2aff'),
  runsAsOwner('chatkeep_note_truncated', 'd71a56d26df1369c53395ea7f2713b76'),
]

export type ObjectState = 'missing' | 'disabled' | 'differs' | 'ready'

export const triggerState = ({ triggers }: Catalog, wanted: RequiredTrigger): ObjectState => {
  const actual = triggers.find(({ table, name }) => table === wanted.table && name === wanted.name)
  if (actual === undefined) return 'missing'
  if (actual.definition !== wanted.definition) return 'differs'
  return actual.enabled ? 'ready' : 'disabled'
}

export const functionState = ({ functions }: Catalog, wanted: RequiredFunction): Exclude<ObjectState, 'disabled'> => {
  const named = functions.filter(({ name }) => name === wanted.name)
  if (named.length === 0) return 'missing'
  const isRight = ({ bodyMd5, definer, pinned }: CatalogFunction): boolean =>
    bodyMd5 === wanted.bodyMd5 && definer === wanted.definer && (pinned || !definer)
  return named.some(isRight) ? 'ready' : 'differs'
}
