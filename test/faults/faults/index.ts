import type { Fault } from '../fault.js'
import { cutAfterCommit, cutBeforeCommit, cutDuringCommit } from './cut.js'
import { freezeChat, freezeDatabase } from './freeze.js'
import { killChatAfterCommit, killChatBeforeCommit, terminateChat } from './kill-chat.js'
import { endSessions, killBackend, killDatabase } from './kill-database.js'
import { fillJournalDisk, killChatWithJournal, killWhileDraining, replayJournal } from './journal.js'
import { halfOpenDatabase, halfOpenSockets, loseAcknowledgements } from './links.js'
import { deadlock, exhaustPool, lockTimeout } from './locks.js'
import { reconnectStorm } from './reconnect-storm.js'
import { resendDuplicates } from './resend.js'
import { migrateAndRollBack } from './migrate-and-roll-back.js'
import { readOnlyDatabase, serializationFailure, statementTimeout } from './settings.js'
import { cancelWaitsPromote, loseSlot, stopStandby, terminateWaitsPromote, unfencedPrimary } from './standby.js'
import { swapServers, swapWithJournals } from './swap-servers.js'
import { tooManyConnections } from './too-many-connections.js'
import { troubleEverywhere } from './trouble-everywhere.js'

/** All that is done to the chat, in the order of the table; the seed decides in which order it happens. */
export const faults: readonly Fault[] = [
  killDatabase,
  killBackend,
  endSessions,
  killChatBeforeCommit,
  killChatAfterCommit,
  terminateChat,
  freezeDatabase,
  freezeChat,
  cutBeforeCommit,
  cutDuringCommit,
  cutAfterCommit,
  loseAcknowledgements,
  halfOpenSockets,
  halfOpenDatabase,
  resendDuplicates,
  reconnectStorm,
  exhaustPool,
  tooManyConnections,
  readOnlyDatabase,
  statementTimeout,
  lockTimeout,
  deadlock,
  serializationFailure,
  fillJournalDisk,
  killChatWithJournal,
  killWhileDraining,
  replayJournal,
  migrateAndRollBack,
  stopStandby,
  cancelWaitsPromote,
  terminateWaitsPromote,
  unfencedPrimary,
  loseSlot,
  swapServers,
  swapWithJournals,
  troubleEverywhere,
]
