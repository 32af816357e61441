import { activeConversations } from './chat/active-conversations.js'
import { activeGuests } from './chat/active-guests.js'
import { clientsCreated } from './chat/clients-created.js'
import { firstAnswer } from './chat/first-answer.js'
import { guestClientsCreated } from './chat/guest-clients-created.js'
import { guestClientsDailyMean } from './chat/guest-clients-daily-mean.js'
import { guestMessages } from './chat/guest-messages.js'
import { messages } from './chat/messages.js'
import { messagesWithoutClient } from './chat/messages-without-client.js'
import { messagesWithoutClientByReason } from './chat/messages-without-client-by-reason.js'
import { newestMessage } from './chat/newest-message.js'
import { oldestUnread } from './chat/oldest-unread.js'
import { unansweredConversations } from './chat/unanswered-conversations.js'
import { unreadMessages } from './chat/unread-messages.js'
import { unverifiedMessages } from './chat/unverified-messages.js'
import { connectionsUsed } from './database/connections-used.js'
import { dailyGrowth } from './database/daily-growth.js'
import { databaseBytes } from './database/database-bytes.js'
import { deadRows } from './database/dead-rows.js'
import { diskFull } from './database/disk-full.js'
import { idExhaustion } from './database/id-exhaustion.js'
import { indexBytes } from './database/index-bytes.js'
import { invalidIndexes } from './database/invalid-indexes.js'
import { oldestTransaction } from './database/oldest-transaction.js'
import { replicationLag } from './database/replication-lag.js'
import { sequenceUsed } from './database/sequence-used.js'
import { tableBytes } from './database/table-bytes.js'
import { vacuumAge } from './database/vacuum-age.js'
import { waitingSessions } from './database/waiting-sessions.js'
import type { Metric } from './metric.js'

/** All metrics, in the order in which they are shown. To add one, write ./chat/<name>.ts or ./database/<name>.ts and list it here. */
export const metrics: readonly Metric[] = [
  clientsCreated,
  guestClientsCreated,
  guestClientsDailyMean,
  guestMessages,
  messagesWithoutClient,
  messagesWithoutClientByReason,
  messages,
  activeGuests,
  activeConversations,
  unverifiedMessages,
  firstAnswer,
  unansweredConversations,
  unreadMessages,
  oldestUnread,
  newestMessage,
  invalidIndexes,
  sequenceUsed,
  idExhaustion,
  tableBytes,
  indexBytes,
  databaseBytes,
  dailyGrowth,
  diskFull,
  oldestTransaction,
  connectionsUsed,
  replicationLag,
  waitingSessions,
  deadRows,
  vacuumAge,
]
