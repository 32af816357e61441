import { CLIENT_ID, GUEST_UNVERIFIED, type RequiredColumn, type RequiredIndex } from '../../persistence/shape.js'
import {
  CHATS,
  CHATS_FILLED,
  CHATS_TABLE,
  GUEST_CLIENTS_TABLE,
  NOTE_FUNCTIONS,
  NOTE_TRIGGERS,
  type OwnTable,
  type RequiredFunction,
  type RequiredTrigger,
} from './own-objects.js'

/**
 * What a migration leaves behind, so that a database can be asked whether it is there already:
 * applied by hand, by another tool, half, or not at all.
 */
export type Effect =
  | { readonly kind: 'tables' }
  | { readonly kind: 'columns'; readonly columns: readonly RequiredColumn[] }
  | { readonly kind: 'index'; readonly index: RequiredIndex }
  | { readonly kind: 'own-tables'; readonly tables: readonly OwnTable[] }
  | {
      readonly kind: 'triggers'
      readonly triggers: readonly RequiredTrigger[]
      readonly functions: readonly RequiredFunction[]
    }
  /** Rows, which a catalog does not show: the table's comment says that they are there. */
  | {
      readonly kind: 'mark'
      readonly table: string
      readonly comment: string
      /** Effects without which the mark means nothing. */
      readonly restsOn: readonly Effect[]
    }

export interface NamedEffect {
  /** Name of the migration, without its number. */
  readonly migration: string
  readonly effect: Effect
}

const text = (column: string): RequiredColumn => ({ table: 'ChatMessage', column, types: ['text'], nullable: true })

const columns = (...wanted: readonly RequiredColumn[]): Effect => ({ kind: 'columns', columns: wanted })

const index = (name: string, definition: string, unique = false): Effect => ({
  kind: 'index',
  index: { table: 'ChatMessage', name, unique, definition },
})

const blockRanges = (table: string): Effect => ({
  kind: 'index',
  index: {
    table,
    name: `${table}_createdAt_brin`,
    unique: false,
    definition: `brin ("createdAt") WITH (pages_per_range='32', autosummarize='on')`,
  },
})

const noteTriggers: Effect = { kind: 'triggers', triggers: NOTE_TRIGGERS, functions: NOTE_FUNCTIONS }

/** Add a migration: write its file and its twin in rollback/, and say here what it leaves behind. */
export const EFFECTS: readonly NamedEffect[] = [
  { migration: 'create-chat-tables', effect: { kind: 'tables' } },
  { migration: 'allow-guest-messages', effect: columns(CLIENT_ID, text('guestUsername'), text('guestPhone')) },
  {
    migration: 'index-guest-username',
    effect: index('ChatMessage_guestUsername_createdAt_idx', 'btree ("guestUsername", "createdAt" DESC)'),
  },
  {
    migration: 'index-client-socket-id',
    effect: index('ChatMessage_clientSocketId_createdAt_idx', 'btree ("clientSocketId", "createdAt" DESC)'),
  },
  { migration: 'add-idempotency-key', effect: columns(text('idempotencyKey')) },
  {
    migration: 'index-idempotency-key',
    effect: index('ChatMessage_idempotencyKey_key', 'btree ("idempotencyKey")', true),
  },
  { migration: 'mark-unverified-guests', effect: columns(GUEST_UNVERIFIED) },
  { migration: 'create-own-tables', effect: { kind: 'own-tables', tables: [GUEST_CLIENTS_TABLE, CHATS_TABLE] } },
  {
    migration: 'index-unread',
    effect: index(
      'ChatMessage_unread_idx',
      `btree ("clientId", id) WHERE ((NOT "isRead") AND ("senderType" = 'CLIENT'::"MessageSenderType"))`,
    ),
  },
  {
    migration: 'index-unlinked',
    effect: index('ChatMessage_unlinked_idx', 'btree ("guestUsername", "createdAt" DESC) WHERE ("clientId" IS NULL)'),
  },
  { migration: 'note-chats', effect: noteTriggers },
  {
    migration: 'fill-chats',
    effect: {
      kind: 'mark',
      table: CHATS,
      comment: CHATS_FILLED,
      restsOn: [{ kind: 'own-tables', tables: [CHATS_TABLE] }, noteTriggers],
    },
  },
  { migration: 'index-created-at', effect: blockRanges('ChatMessage') },
  { migration: 'index-client-created-at', effect: blockRanges('Client') },
]
