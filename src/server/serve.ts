import { once } from 'node:events'
import { resolve } from 'node:path'
import type { ChatLog } from '../chat-log.js'
import { within } from '../concurrency/within.js'
import { isDatabaseUnavailable } from '../database/connection-error.js'
import { isLocal, forWriting, type ConnectionTarget } from '../database/connection-target.js'
import { consequenceOf } from '../database/encoding/encoding.js'
import type { Promotion } from '../database/failover/timelines.js'
import { unverifiedServer } from '../database/unverified-server.js'
import type { JournalOptions } from '../journal/open-journal.js'
import { promiseOf, whyCommitsWait, whyNotReplicated } from '../database/replication/commit-state.js'
import { requireReplication } from './keeping/replicated-store.js'
import { withSizedDeadlines } from './keeping/sized-deadlines.js'
import { createChatStore } from '../persistence/chat-store.js'
import { isHeldByOthers } from '../persistence/locks/held-by-others.js'
import { createRecorder, type Recorder } from '../transcripts/recorder.js'
import { startChatServer, type ChatServerOptions } from './chat-server.js'
import { checkDatabase, type DatabaseWarning } from './check-database.js'
import { errorFields } from './error-fields.js'
import { createChatLog, type ChatLogOptions } from './log.js'
import { LIMITS, type GivenLimits } from './protection/limits.js'
import { readOperatorSecret } from './protection/read-operator-secret.js'
import { readConfig, withMetrics, type MetricsPlace } from './with-metrics.js'

export { addOperator, type AddedOperator } from './operators/add-operator.js'
export type { MetricsAddress } from './http/metrics-listener.js'

/** What `chatkeep serve` was asked for. Files are relative to the working directory. */
export interface ServeOptions extends Pick<
  ChatServerOptions,
  'host' | 'port' | 'corsOrigin' | 'publicHost' | 'transports' | 'allowImageUrls' | 'trustProxy' | 'disconnectGraceMs'
> {
  readonly operatorSecretFile?: string | undefined
  /** The file of named operators. */
  readonly operators?: string | undefined
  readonly journal?: string | undefined
  readonly journalMaxBytes?: number | undefined
  /** How long acknowledged messages stay in a file beside the journal, in milliseconds; they do not when absent. */
  readonly keepAcknowledged?: number | undefined
  /** How old a connection to the database may get, in milliseconds; a minute when absent. */
  readonly maxConnectionLife?: number | undefined
  /** `replicated`: only while commits wait for a standby that is attached; what the database promises when absent. */
  readonly durability?: 'server' | 'replicated' | undefined
  readonly record?: string | undefined
  /** Without metrics when absent. */
  readonly metrics?: MetricsPlace | undefined
  /** How long a reading of the database holds; 10 s when absent. */
  readonly metricsIntervalMs?: number | undefined
  /** The file with the thresholds of metrics. */
  readonly config?: string | undefined
  readonly logLevel?: ChatLogOptions['level'] | undefined
}

/** The process in which the server runs. */
export interface ServeContext {
  readonly cwd: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly stderr: { write(text: string): void; readonly isTTY: boolean }
  readonly json: boolean
  /** Ends the server. */
  readonly signal: AbortSignal
}

/** The database of the messages and, where servers act as one, the one that they listen on. */
export interface ServeTargets {
  readonly target: ConnectionTarget
  /** The same database, but never through a pooler. */
  readonly adapterTarget: ConnectionTarget | undefined
}

export interface ServeParts {
  readonly context: ServeContext
  readonly options: ServeOptions
  readonly limits: GivenLimits
  /** Provides the databases for as long as the work lasts. */
  readonly withTargets: (work: (targets: ServeTargets) => Promise<void>) => Promise<void>
  /** Called once, with the URL at which the server listens, and that of its metrics. */
  readonly onListening: (url: string, metricsUrl: string | undefined) => void
}

const APPLICATION_NAME = 'chatkeep serve'

/** A message that still waits for the database by then was never acknowledged; its sender sends it again. */
const STORE_CLOSE_DEADLINE_MS = 250

/** How long cancelling it in the database may take. */
const STORE_CANCEL_MS = 1_000

/** With a journal no sender has to wait long for an unavailable database. Large messages have more time. */
const JOURNALLED_DEADLINE_MS = 1_500

/**
 * Runs a chat server until the signal fires.
 * @throws OperatorError of the operator secret, the database, the journal, the recording or the address
 */
export const serve = async ({ context, options, limits, withTargets, onListening }: ServeParts): Promise<void> => {
  const { cwd, environment, signal } = context
  const { operatorSecretFile, operators, logLevel = 'info' } = options
  const operatorSecret = await readOperatorSecret(operatorSecretFile && resolve(cwd, operatorSecretFile), environment)
  const { thresholds, notes } = await readConfig(options.metrics, options.config, cwd)
  const operatorsFile = operators && resolve(cwd, operators)
  const journal = options.journal === undefined ? undefined : journalOptions(cwd, options.journal, options)

  await withTargets(async ({ target: named, adapterTarget }) => {
    const log = createChatLog({ level: logLevel, format: logFormat(context), output: context.stderr })
    const target = forWriting(named, { onPromotion: logPromotion(log) })
    const checked = await checkAtStart(target, journal, signal)
    logStart(log, checked, options.durability)
    for (const note of notes) log.warn({ event: 'config_ignored' }, note)
    const recorder = await openRecorder(options.record && resolve(cwd, options.record), log)
    const deadlineMs = journal && JOURNALLED_DEADLINE_MS
    const { maxConnectionLife: maxConnectionLifeMs } = options
    const plain = createChatStore(
      { target },
      // The server checks what arrives: what is in a journal may be from a time with another limit.
      {
        ...{ applicationName: APPLICATION_NAME, deadlineMs, maxConnectionLifeMs },
        maxMessageBytes: LIMITS.maxMessageBytes.most,
      },
    )
    const timed = deadlineMs === undefined ? plain : withSizedDeadlines(plain, deadlineMs)
    const store = options.durability === 'replicated' ? requireReplication(timed, target, APPLICATION_NAME) : timed
    try {
      const metrics = { place: options.metrics, target, intervalMs: options.metricsIntervalMs, thresholds, log }
      await withMetrics(metrics, async (open) => {
        const adapter = adapterTarget && { target: { ...adapterTarget, timelines: target.timelines } }
        const server = await startChatServer({
          ...options,
          ...{ maxMessageBytes: LIMITS.maxMessageBytes.default, ...limits },
          ...{ operatorSecret, operatorsFile, journal, adapter, store, recorder, log, metrics: open?.metrics },
        })
        logExposure(log, target, options.host)
        if (operatorSecret === undefined && operatorsFile === undefined)
          log.warn({ event: 'no_operators' }, NO_OPERATORS)
        onListening(server.url, open?.urlAt(server.url))
        await aborted(signal)
        log.info({ event: 'stopping' }, STOPPING)
        await server.close()
      })
    } finally {
      await within(STORE_CLOSE_DEADLINE_MS + STORE_CANCEL_MS, store.close(STORE_CLOSE_DEADLINE_MS))
      await recorder?.close()
    }
  })
}

const journalOptions = (
  cwd: string,
  path: string,
  { journalMaxBytes, keepAcknowledged }: ServeOptions,
): JournalOptions => ({
  path: resolve(cwd, path),
  maxBytes: journalMaxBytes,
  keepAcknowledgedMs: keepAcknowledged,
})

const logFormat = ({ json, stderr }: ServeContext): ChatLogOptions['format'] =>
  json || !stderr.isTTY ? 'json' : 'text'

type StartCheck = Awaited<ReturnType<typeof checkDatabase>> | Error

/** With a journal a server may start while the database is unavailable, or a table locked; what the database lacks shows later. */
const checkAtStart = async (
  target: ConnectionTarget,
  journal: JournalOptions | undefined,
  signal: AbortSignal,
): Promise<StartCheck> => {
  try {
    return await unlessAborted(signal, checkDatabase(target, APPLICATION_NAME))
  } catch (error) {
    if (journal !== undefined && error instanceof Error && (isDatabaseUnavailable(error) || isHeldByOthers(error)))
      return error
    throw error
  }
}

const logStart = (log: ChatLog, checked: StartCheck, durability: ServeOptions['durability']): void => {
  if (checked instanceof Error) {
    log.warn(
      { event: 'started_without_database', ...errorFields(checked) },
      isHeldByOthers(checked) ? LOCKED : NO_DATABASE,
    )
    return
  }
  const { warnings, commits } = checked
  for (const event of warnings) log.warn({ event }, WARNINGS[event])
  const reason = durability === 'replicated' ? whyNotReplicated(commits) : undefined
  const waiting = whyCommitsWait(commits)
  if (waiting !== undefined) log.warn({ event: 'commits_wait' }, `${waiting}: ${COMMITS_WAIT}`)
  if (reason === undefined) log.info({ event: 'durability' }, promiseOf(commits))
  else log.warn({ event: 'not_replicated' }, `no message is stored until a synchronous standby is attached: ${reason}`)
  if (durability === 'replicated' && commits.standbys.some(({ syncState }) => syncState === null))
    log.warn({ event: 'standbys_hidden' }, STANDBYS_HIDDEN)
}

const logPromotion =
  (log: ChatLog) =>
  ({ from, to }: Promotion): void =>
    log.warn(
      { event: 'database_promoted', from, to },
      `a standby was promoted (timeline ${from} -> ${to}): connections to the server that was the primary before are ended`,
    )

const logExposure = (log: ChatLog, target: ConnectionTarget, host: string | undefined): void => {
  const unverified = unverifiedServer(target)
  if (unverified !== undefined) log.warn({ event: 'database_not_verified' }, unverified)
  if (host !== undefined && !isLocal(host)) log.warn({ event: 'open_to_network', host }, OPEN_TO_NETWORK)
}

const OPEN_TO_NETWORK = 'other machines can connect, and chatkeep does not encrypt: put a proxy with TLS in front of it'
const WARNINGS: Readonly<Record<DatabaseWarning, string>> = {
  fsync_off: 'fsync is off in the database: if it crashes, acknowledged messages can be lost',
  rows_hidden:
    'policies of row-level security restrict this role: messages may be refused, and histories have only the rows that it may see; `verify --application-role` names them',
  encoding_unchecked: `the database is encoded in SQL_ASCII: ${consequenceOf('SQL_ASCII')}`,
}
const COMMITS_WAIT =
  'every commit waits, so no message is acknowledged as stored until one more is; start the standby that synchronous_standby_names names'
const STANDBYS_HIDDEN =
  'this role may not see whether a synchronous standby is attached: without one, messages wait until their time is up; in psql: GRANT pg_read_all_stats TO the role'
const NO_DATABASE = 'the database is unavailable and was not checked: messages go to the journal'
const LOCKED =
  'a table is locked, and the database was not checked: messages go to the journal until the lock is released'
const STOPPING = 'stopping: waiting for messages in progress; press Ctrl-C again to stop at once'
const NO_OPERATORS =
  'operators cannot join: name --operators or --operator-secret-file, or set CHATKEEP_OPERATOR_SECRET'

const openRecorder = async (path: string | undefined, log: ChatLog): Promise<Recorder | undefined> => {
  if (path === undefined) return undefined
  const onStopped = (text: string): void => log.error({ event: 'recording_stopped', file: path }, text)
  const recorder = await createRecorder({ path, onStopped })
  log.info({ event: 'recording', file: recorder.path }, 'recording committed messages')
  return recorder
}

const aborted = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, 'abort')
}

/** The work, unless the signal fires first: a silent database cannot hold up Ctrl-C. */
const unlessAborted = async <T>(signal: AbortSignal, work: Promise<T>): Promise<T> => {
  const end = aborted(signal).then((): never => {
    throw signal.reason
  })
  return Promise.race([work, end])
}
