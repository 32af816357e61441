/** Number of the migration that creates the application's own tables. All later ones are the guest-chat update. */
export const BASE_MIGRATION = 1

/** Makes `clientId` nullable; its rollback needs a client for every message. */
export const GUEST_MIGRATION = 'allow-guest-messages'

export const KEY_MIGRATION = 'add-idempotency-key'

/** Creates the unique index that the core requires before it saves a message. */
export const KEY_INDEX_MIGRATION = 'index-idempotency-key'

export const UNVERIFIED_MIGRATION = 'mark-unverified-guests'
