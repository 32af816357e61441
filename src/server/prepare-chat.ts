import { SILENT_LOG, type ChatLog } from '../chat-log.js'
import { createInFlight, type InFlight } from '../concurrency/in-flight.js'
import { openJournal } from '../journal/open-journal.js'
import { createRareLog, type WarnRarely } from '../rare-log.js'
import type { ChatOptions } from './chat-options.js'
import { joinCluster, type Cluster } from './cluster/cluster.js'
import { UNOBSERVED, type ServerObserver } from './metrics/observer.js'
import { openOperatorList, type OperatorList } from './operators/operator-list.js'
import { limitsFrom, type ChatLimits } from './protection/limits.js'
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
  const { log = SILENT_LOG, metrics } = options
  const operatorSecret = options.operatorSecret === '' ? undefined : options.operatorSecret
  refuseWeakSecret(operatorSecret)
  // Before anything is open: what is wrong with the file leaves nothing behind.
  const operators = options.operatorsFile === undefined ? undefined : await openOperatorList(options.operatorsFile, log)
  const cluster = await joinCluster({
    options: options.adapter,
    operatorSecret,
    mayConnectLater: options.journal !== undefined,
    log,
  })
  const journal = options.journal && (await openJournal(options.journal, log).catch(afterClosing(cluster)))
  return {
    ...{ options, operatorSecret, operators, cluster, journal, log },
    limits: limitsFrom(options),
    inFlight: createInFlight(),
    observer: metrics?.observer ?? UNOBSERVED,
    warnRarely: createRareLog(log),
  }
}

/** Closes what was opened before a start failed; the first error wins. */
export const afterClosing =
  (...opened: readonly ({ readonly close: () => Promise<void> } | undefined)[]) =>
  async (error: unknown): Promise<never> => {
    await Promise.allSettled(opened.map(async (one) => one?.close()))
    throw error
  }
