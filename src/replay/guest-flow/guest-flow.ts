import { randomBytes } from 'node:crypto'
import { $ZodError } from 'zod/v4/core'
import { withClient } from '../../database/connection.js'
import { explainDatabaseError } from '../../database/connection-error.js'
import { withLockLimit } from '../../database/lock-limit.js'
import { ExitCode, OperatorError, withDetail } from '../../errors.js'
import { refuseHidingPolicies } from '../../persistence/access/hidden-rows.js'
import { createChatStore } from '../../persistence/chat-store.js'
import { invalidFields } from '../../persistence/invalid-fields.js'
import { checkDatabase } from '../../server/check-database.js'
import { createChatPeer } from '../../client/chat-peer.js'
import { withChatServer, type ChatServerSource, type RunningChat } from '../sending/with-chat-server.js'
import { GUEST_FLOW_CASES, type GuestFlow, type GuestFlowCase, type GuestNames } from './cases.js'
import { judgeCase, type CaseResult } from './judge.js'
import { removeTraces, renderRemoval, type Removal, type Traces } from './removal.js'
import { createGuestTables } from './guest-rows.js'

export interface GuestFlowOptions extends ChatServerSource {
  /** Leaves the rows where they are. */
  readonly keep: boolean
}

export interface GuestFlowReport {
  readonly cases: readonly CaseResult[]
  readonly usernames: readonly string[]
  readonly removal: Removal
}

/**
 * Plays a new guest, an existing client and a returning guest over the socket, and checks the database after each.
 * All names are random, so no real client is touched; the rows are removed afterwards, also after a failure.
 */
export const runGuestFlow = async (options: GuestFlowOptions): Promise<GuestFlowReport> => {
  const names = inventNames()
  const traces: Traces = { usernames: Object.values(names), conversations: [names.existingClient] }
  // Without the signal: the rows are removed after Ctrl-C, too.
  const remove = async (): Promise<Removal> => (options.keep ? { kind: 'kept' } : removeTraces(options.target, traces))
  await checkDatabase(options.target, APPLICATION_NAME)
  const cases = await withChatServer(options, (chat) => playAll(chat, names, traces, options)).catch(
    async (error: unknown) => {
      // The first error is reported, with what became of the rows.
      const fate = renderRemoval(await remove(), traces)
      if (error instanceof OperatorError) throw withDetail(error, fate)
      options.onLog(fate)
      throw error
    },
  )
  return { cases, usernames: traces.usernames, removal: await remove() }
}

/** Whether every case passed and the rows were removed, or kept on request. */
export const isGuestFlowClean = ({ cases, removal }: GuestFlowReport): boolean =>
  cases.every(({ ok }) => ok) && removal.kind !== 'failed'

const APPLICATION_NAME = 'chatkeep replay'
const QUERY_TIMEOUT_MS = 10_000

const inventNames = (): GuestNames => {
  const run = `chatkeep-smoke-${randomBytes(6).toString('hex')}`
  return { newGuest: `${run}-guest`, existingClient: `${run}-client`, returningGuest: `${run}-returning` }
}

const playAll = async (
  { address }: RunningChat,
  names: GuestNames,
  traces: Traces,
  { target, signal }: GuestFlowOptions,
): Promise<readonly CaseResult[]> => {
  const withGuest: GuestFlow['withGuest'] = async (username, token, visit) => {
    const guest = createChatPeer({ address, join: { role: 'client', username, token }, signal })
    try {
      const joined = await guest.join()
      if (joined.ok && typeof joined.clientId === 'string') traces.conversations.push(joined.clientId)
      return await visit(guest)
    } finally {
      guest.close()
    }
  }
  const session = {
    applicationName: APPLICATION_NAME,
    signal,
    queryTimeoutMs: QUERY_TIMEOUT_MS,
    pins: 'course',
  } as const
  const store = createChatStore({ target }, { applicationName: APPLICATION_NAME, maxConnections: 1 })
  try {
    return await withClient(target, session, async (client) => {
      await refuseHidingPolicies(withLockLimit(client, 'text'), target.schema ?? 'public')
      const flow: GuestFlow = { names, store, tables: createGuestTables(client, target.schema ?? 'public'), withGuest }
      const results: CaseResult[] = []
      for (const guestFlowCase of GUEST_FLOW_CASES) {
        results.push(await playCase(guestFlowCase, flow, { target, signal }))
        signal.throwIfAborted()
      }
      return results
    })
  } finally {
    await store.close()
  }
}

// A refusal by the server or the database fails the case; an unavailable one ends the run.
const playCase = async (
  guestFlowCase: GuestFlowCase,
  flow: GuestFlow,
  { target, signal }: Pick<GuestFlowOptions, 'target' | 'signal'>,
): Promise<CaseResult> => {
  const { name, expected } = guestFlowCase
  try {
    return judgeCase(name, expected, await guestFlowCase.play(flow))
  } catch (error) {
    // A statement that was cancelled by the signal says nothing about the case.
    signal.throwIfAborted()
    const known = explainDatabaseError(error, target)
    if (known instanceof OperatorError && known.exitCode === ExitCode.no) {
      return { name, expected, found: known.message, ok: false }
    }
    if (!(known instanceof $ZodError)) throw known
    const found = `the server's answer has an unknown form: ${invalidFields(known).join(', ')}`
    return { name, expected, found, ok: false }
  }
}
