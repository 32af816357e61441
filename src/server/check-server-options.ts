import {
  either,
  checkOptions,
  checkValue,
  FUNCTION,
  listOf,
  milliseconds,
  OBJECT,
  objectWith,
  oneOf,
  TEXT,
  FILLED_TEXT,
  wholeNumber,
  YES_OR_NO,
  type Rule,
  type Rules,
} from '../check-options.js'
import type { JournalOptions } from '../journal/open-journal.js'
import type { ChatServerOptions } from './chat-server.js'
import type { AttachOptions } from './attach-chat.js'
import { CHAT_NAMESPACE, CHAT_PATH } from './check-attach-target.js'
import { TRANSPORTS } from './http/explain-refusals.js'
import { LIMITS, type LimitName } from './protection/limits.js'

const TEXTS = either(TEXT, listOf(TEXT))
const STORE = objectWith('saveChatMessage', 'getChatHistory', 'getRecentChats', 'markMessagesAsRead')

const LIMIT_RULES = Object.fromEntries(
  Object.entries(LIMITS).map(([name, { least, most }]) => [name, wholeNumber(least, most)]),
) as Record<LimitName, Rule>

/** What an application may set of a chat server in its own process. */
export type StartChatServerOptions = Omit<ChatServerOptions, 'adapter' | 'metrics' | 'recorder'>

/** What an application may set of a chat on a server of its own. */
export type AttachChatServerOptions = Omit<AttachOptions, 'adapter' | 'metrics' | 'recorder'>

type SharedOptions = Omit<StartChatServerOptions, 'host' | 'port'>

const SHARED: Rules<SharedOptions> = {
  ...LIMIT_RULES,
  store: STORE,
  operatorSecret: TEXT,
  operatorsFile: FILLED_TEXT,
  authenticateOperator: FUNCTION,
  inactiveOperators: oneOf('refused', 'allowed'),
  trustProxy: wholeNumber(0),
  corsOrigin: TEXTS,
  publicHost: TEXTS,
  transports: listOf(oneOf(...TRANSPORTS)),
  allowImageUrls: YES_OR_NO,
  disconnectGraceMs: milliseconds(0),
  journal: OBJECT,
  log: objectWith('debug', 'info', 'warn', 'error'),
}

const START: Rules<StartChatServerOptions> = { ...SHARED, host: TEXT, port: wholeNumber(0, 65_535) }

const ATTACH: Rules<AttachChatServerOptions> = { ...SHARED, path: CHAT_PATH, namespace: CHAT_NAMESPACE }

const JOURNAL: Rules<JournalOptions> = {
  path: FILLED_TEXT,
  maxBytes: wholeNumber(1),
  keepAcknowledgedMs: wholeNumber(0),
}

/** @throws InvalidCall `invalid_option` */
export const checkServerOptions = (options: StartChatServerOptions): void => check('the first argument', options, START)

/** @throws InvalidCall `invalid_option` */
export const checkAttachOptions = (options: AttachChatServerOptions): void =>
  check('the second argument', options, ATTACH)

const check = <Options extends SharedOptions>(what: string, options: Options, rules: Rules<Options>): void => {
  checkOptions(what, options, rules)
  checkValue('store', options.store, STORE)
  if (options.journal === undefined) return
  checkOptions('journal', options.journal, JOURNAL)
  checkValue('journal.path', options.journal.path, FILLED_TEXT)
}
