export { createChatStore } from './persistence/chat-store.js'
export type {
  CallOptions,
  ChatStore,
  ChatStoreOptions,
  ChatStoreSource,
  FindChatOptions,
  Promotion,
  SaveOptions,
  StoreLoad,
} from './persistence/chat-store.js'
export { drizzleTransaction } from './persistence/transaction/adapters/drizzle.js'
export type { DrizzleSql, DrizzleTransaction } from './persistence/transaction/adapters/drizzle.js'
export { knexTransaction } from './persistence/transaction/adapters/knex.js'
export type { KnexTransaction } from './persistence/transaction/adapters/knex.js'
export { kyselyTransaction } from './persistence/transaction/adapters/kysely.js'
export type { KyselyTransaction } from './persistence/transaction/adapters/kysely.js'
export { prismaTransaction } from './persistence/transaction/adapters/prisma.js'
export type { PrismaTransaction } from './persistence/transaction/adapters/prisma.js'
export type { ConnectionPool } from './persistence/store/store-options.js'
export type { TransactionClient } from './persistence/transaction/transaction-client.js'
export type { ChatMessage, MessageType, NewChatMessage, SavedChatMessage, SenderType } from './persistence/message.js'
export type { MessageDelivery, MessageListener, SubscriptionOptions } from './persistence/live/subscription-options.js'
export type { MessageSubscription } from './persistence/live/subscription.js'
export type { ChatAddress, FoundChat } from './persistence/chats/find-chat.js'
export type { Contact } from './persistence/contact.js'
export type { HistoryPage, HistoryQuery } from './persistence/chat-history.js'
export type { RecentChat, RecentChatsPage, RecentChatsQuery } from './persistence/recent-chats.js'
export type { MarkAsReadQuery } from './persistence/mark-as-read.js'
export type { MessageDeletion, MessageEdit } from './persistence/lifecycle/change-message.js'
export type { ClientDifference } from './persistence/lifecycle/client-differences.js'
export type { ClientMerge, MergedClients } from './persistence/lifecycle/merge-clients.js'
export type { ClientRename, RenamedClient } from './persistence/lifecycle/rename-client.js'
export type { ExportedRow } from './persistence/content/exact-row.js'
export type { ExportedMessage, PersonRecord } from './persistence/erasure/export-person.js'
export type { Person } from './persistence/erasure/person.js'
export type { ErasedContact } from './persistence/erasure/store-erasure.js'
export {
  ClientMerged,
  ClientNotFound,
  MergeRefused,
  MessageNotFound,
  UsernameTaken,
} from './persistence/lifecycle/lifecycle-errors.js'
export {
  CharacterNotStorable,
  DatabaseRefused,
  IdempotencyConflict,
  IdTooLarge,
  InvalidCall,
  InvalidMessage,
  MessageNotStored,
  NotInTransaction,
  SchemaNotReady,
  StoreClosed,
  StoreError,
  StoreOverloaded,
  StoreUnavailable,
  TransactionConflict,
} from './persistence/errors.js'
export type { Blame } from './persistence/blame.js'
export * from './client/index.js'
export { attachChatServer } from './attach-chat-server.js'
export type { AttachChatServerOptions } from './attach-chat-server.js'
export type { AttachedChat, SocketIoServer } from './server/attach-chat.js'
export { startChatServer } from './start-chat-server.js'
export type { StartChatServerOptions } from './start-chat-server.js'
export type { ChatServer } from './server/chat-server.js'
export type { ApplicationOperator, AuthenticateOperator, OperatorRequest } from './server/operators/ask-application.js'
export type { ChatLog, LogFields } from './chat-log.js'
export { httpStatusOf } from './http-status.js'
