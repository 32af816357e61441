import { CLIENT_ID, GUEST_UNVERIFIED, type RequiredColumn, type RequiredIndex } from '../../persistence/shape.js'
import { GUEST_MIGRATION, KEY_INDEX_MIGRATION, KEY_MIGRATION, UNVERIFIED_MIGRATION } from './migration-names.js'

/**
 * What a migration leaves in the database. The catalog shows whether it is there: applied by chatkeep, by hand or by
 * another tool, in part, or not at all.
 */
export type Effect =
  | { readonly kind: 'tables' }
  | { readonly kind: 'columns'; readonly columns: readonly RequiredColumn[] }
  | { readonly kind: 'index'; readonly index: RequiredIndex }

export interface NamedEffect {
  /** Name of the migration without its number. */
  readonly migration: string
  readonly effect: Effect
}

const text = (column: string): RequiredColumn => ({ table: 'ChatMessage', column, types: ['text'], nullable: true })

const columns = (...wanted: readonly RequiredColumn[]): Effect => ({ kind: 'columns', columns: wanted })

const index = (name: string, definition: string, unique = false): Effect => ({
  kind: 'index',
  index: { table: 'ChatMessage', name, unique, definition },
})

/** One entry for each migration, in order. To add a migration, add its SQL file, its rollback/ file and an entry here. */
export const EFFECTS: readonly NamedEffect[] = [
  { migration: 'create-chat-tables', effect: { kind: 'tables' } },
  { migration: GUEST_MIGRATION, effect: columns(CLIENT_ID, text('guestUsername'), text('guestPhone')) },
  {
    migration: 'index-guest-username',
    effect: index('ChatMessage_guestUsername_createdAt_idx', 'btree ("guestUsername", "createdAt" DESC)'),
  },
  {
    migration: 'index-client-socket-id',
    effect: index('ChatMessage_clientSocketId_createdAt_idx', 'btree ("clientSocketId", "createdAt" DESC)'),
  },
  { migration: KEY_MIGRATION, effect: columns(text('idempotencyKey')) },
  {
    migration: KEY_INDEX_MIGRATION,
    effect: index('ChatMessage_idempotencyKey_key', 'btree ("idempotencyKey")', true),
  },
  { migration: UNVERIFIED_MIGRATION, effect: columns(GUEST_UNVERIFIED) },
  {
    migration: 'index-unread',
    effect: index(
      'ChatMessage_unread_idx',
      `btree ("clientId", "createdAt") WHERE ((NOT "isRead") AND ("senderType" = 'CLIENT'::"MessageSenderType"))`,
    ),
  },
  {
    migration: 'index-unlinked',
    effect: index(
      'ChatMessage_unlinked_idx',
      'btree ("guestUsername", "createdAt" DESC) WHERE (("clientId" IS NULL) IS TRUE)',
    ),
  },
  {
    migration: 'index-created-at',
    effect: index('ChatMessage_createdAt_clientId_idx', 'btree ("createdAt" NULLS FIRST, "clientId")'),
  },
  {
    migration: 'index-hour',
    effect: index('ChatMessage_hour_clientId_idx', `btree (date_trunc('hour'::text, "createdAt"), "clientId")`),
  },
  {
    migration: 'index-unlinked-hour',
    effect: index(
      'ChatMessage_unlinked_hour_idx',
      `btree (date_trunc('hour'::text, "createdAt"), "guestUsername") WHERE (("clientId" IS NULL) IS NOT FALSE)`,
    ),
  },
  {
    migration: 'index-client-created-at',
    effect: {
      kind: 'index',
      index: {
        table: 'Client',
        name: 'Client_createdAt_brin',
        unique: false,
        definition: 'brin ("createdAt")',
      },
    },
  },
]
