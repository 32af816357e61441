import { applicationRole } from './application-role.js'
import { archive } from './archive.js'
import { baseColumns } from './base-columns.js'
import { chatTables } from './chat-tables.js'
import { chatsListed } from './chats-listed.js'
import type { Check } from './check.js'
import { columnDefaults } from './column-defaults.js'
import { committingRoles } from './committing-roles.js'
import { constraints } from './constraints.js'
import { damagedHistory } from './damaged-history.js'
import { doubledKeys } from './doubled-keys.js'
import { durability } from './durability.js'
import { enumLabels } from './enum-labels.js'
import { futureMessages } from './future-messages.js'
import { guestUpdateUndone } from './guest-update-undone.js'
import { guestUpdate } from './guest-update.js'
import { indexLeftovers } from './index-leftovers.js'
import { migrationHistory } from './migration-history.js'
import { normalUsernames } from './normal-usernames.js'
import { orphanedMessages } from './orphaned-messages.js'
import { ownerlessMessages } from './ownerless-messages.js'
import { rollbackLeftovers } from './rollback-leftovers.js'
import { rolledBackHistory } from './rolled-back-history.js'
import { rules } from './rules.js'
import { runningChange } from './running-change.js'
import { sequencesBehind } from './sequences-behind.js'
import { sequences } from './sequences.js'
import { swallowingTriggers } from './swallowing-triggers.js'
import { unfilledColumns } from './unfilled-columns.js'
import { uniqueColumns } from './unique-columns.js'
import { unlinkedMessages } from './unlinked-messages.js'
import { unverifiedWithoutGuest } from './unverified-without-guest.js'

/** Add a check: write ./<name>.ts, list it here, in the order of its findings: causes before consequences. */
export const checks: readonly Check[] = [
  chatTables,
  rollbackLeftovers,
  archive,
  damagedHistory,
  migrationHistory,
  rolledBackHistory,
  guestUpdate,
  guestUpdateUndone,
  indexLeftovers,
  baseColumns,
  enumLabels,
  uniqueColumns,
  unfilledColumns,
  columnDefaults,
  rules,
  swallowingTriggers,
  constraints,
  sequences,
  sequencesBehind,
  applicationRole,
  doubledKeys,
  chatsListed,
  orphanedMessages,
  unlinkedMessages,
  ownerlessMessages,
  unverifiedWithoutGuest,
  normalUsernames,
  futureMessages,
  durability,
  committingRoles,
  runningChange,
]
