import { guardedLog } from '../application-callback.js'
import { SILENT_LOG, type ChatLog } from '../chat-log.js'
import { OperatorError } from '../errors.js'
import { createInFlight, type InFlight } from '../concurrency/in-flight.js'
import { InvalidCall } from '../invalid-call.js'
import { openJournal } from '../journal/open-journal.js'
import type { ChatStore } from '../persistence/chat-store.js'
import { StoreClosed } from '../persistence/errors.js'
import { createRareLog, type WarnRarely } from '../rare-log.js'
import type { ChatOptions } from './chat-options.js'
import { joinCluster, type Cluster } from './cluster/cluster.js'
import { UNOBSERVED, type ServerObserver } from './metrics/observer.js'
import { openOperatorList, type OperatorList } from './operators/operator-list.js'
import { limitsFrom, LIMITS, type ChatLimits } from './protection/limits.js'
import { refuseWeakSecret } from './protection/read-operator-secret.js'

/** What a chat has before its first socket. */
export interface PreparedChat {
  readonly options: ChatOptions
  readonly limits: ChatLimits
  readonly operatorSecret: string | undefined
  readonly operators: OperatorList | undefined
  readonly cluster: Cluster
  readonly journal: Awaited<ReturnType<typeof openJournal>> | undefined
  readonly inFlight: InFlight
  readonly observer: ServerObserver
  readonly log: ChatLog
  readonly warnRarely: WarnRarely
}

/** Checks the options and opens what they name. @throws OperatorError of one of them; nothing is open then */
export const prepareChat = async (options: ChatOptions): Promise<PreparedChat> => {
  const { metrics, store } = options
  const log = guardedLog(options.log ?? SILENT_LOG)
  await refuseClosedStore(store)
  const operatorSecret = options.operatorSecret === '' ? undefined : options.operatorSecret
  refuseWeakSecret(operatorSecret)
  const limits = limitsFrom({ ...options, maxMessageBytes: maxMessageBytesOf(options) })
  // Before anything is open: what is wrong with the file leaves nothing behind.
  const operators = options.operatorsFile === undefined ? undefined : await openOperatorList(options.operatorsFile, log)
  const cluster = await joinCluster({
    options: options.adapter,
    operatorSecret,
    maxMessageBytes: limits.maxMessageBytes,
    mayConnectLater: options.journal !== undefined,
    log,
  })
  const journal = options.journal && (await openJournal(options.journal, log).catch(afterClosing(cluster)))
  return {
    ...{ options, limits, operatorSecret, operators, cluster, journal, log },
    inFlight: createInFlight(),
    observer: metrics?.observer ?? UNOBSERVED,
    warnRarely: createRareLog(log),
  }
}

/** The store's own limit unless a smaller one is given. @throws OperatorError `invalid_option` */
export const maxMessageBytesOf = ({ store, maxMessageBytes: wanted }: ChatOptions): number => {
  // An object that passes calls on to a store may lack it.
  const { maxMessageBytes: most = LIMITS.maxMessageBytes.default } = store as Partial<ChatStore>
  if (wanted === undefined || wanted <= most) return wanted ?? most
  throw new OperatorError('invalid_option', `maxMessageBytes is ${wanted}, but that of the store is ${most}`, {
    hint: 'give createChatStore the same maxMessageBytes',
  })
}

/** It would refuse every message. */
const refuseClosedStore = async (store: ChatStore): Promise<void> => {
  try {
    // Asks the database nothing.
    await store.getOperatorNames([])
  } catch (cause) {
    if (cause instanceof StoreClosed)
      throw new InvalidCall('invalid_option', 'the store is closed', { cause, hint: 'close it after the chat server' })
  }
}

/** Closes what was opened before a start failed; the first error wins. */
export const afterClosing =
  (...opened: readonly ({ readonly close: () => Promise<void> } | undefined)[]) =>
  async (error: unknown): Promise<never> => {
    await Promise.allSettled(opened.map(async (one) => one?.close()))
    throw error
  }
