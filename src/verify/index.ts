import { archive } from './archive.js'
import { baseColumns } from './base-columns.js'
import { chatTables } from './chat-tables.js'
import { chatsListed } from './chats-listed.js'
import type { Check } from './check.js'
import { doubledKeys } from './doubled-keys.js'
import { durability } from './durability.js'
import { enumLabels } from './enum-labels.js'
import { guestUpdateUndone } from './guest-update-undone.js'
import { guestUpdate } from './guest-update.js'
import { migrationHistory } from './migration-history.js'
import { ownerlessMessages } from './ownerless-messages.js'
import { rollbackLeftovers } from './rollback-leftovers.js'
import { rolledBackHistory } from './rolled-back-history.js'
import { runningChange } from './running-change.js'
import { unfilledColumns } from './unfilled-columns.js'
import { uniqueColumns } from './unique-columns.js'
import { unlinkedMessages } from './unlinked-messages.js'

/** Add a check: write ./<name>.ts, list it here, in the order of its findings: causes before consequences. */
export const checks: readonly Check[] = [
  chatTables,
  rollbackLeftovers,
  archive,
  migrationHistory,
  rolledBackHistory,
  guestUpdate,
  guestUpdateUndone,
  baseColumns,
  enumLabels,
  uniqueColumns,
  unfilledColumns,
  doubledKeys,
  chatsListed,
  unlinkedMessages,
  ownerlessMessages,
  durability,
  runningChange,
]
