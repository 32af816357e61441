import { stageOf } from '../database/connection-stage.js'
import { asReached, type Queryable } from '../database/connection.js'
import { describeHost, describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { queryTimeoutFor } from '../database/errors/statement-limit.js'
import { encryptionOf } from '../database/encryption.js'
import { findProxy } from '../database/proxies/proxy.js'
import { inReadOnlySnapshot } from '../database/transaction.js'
import { unverifiedServer } from '../database/unverified-server.js'
import { withWatchedClient } from '../database/waiting/watch-session.js'
import { OperatorError } from '../errors.js'
import { serverFindings } from '../verify/checks/server/server-checks.js'
import { readServerFacts } from '../verify/facts/server-facts.js'
import { bySeverity } from '../verify/severity.js'
import { abilitiesOf, type DatabaseCommand } from './commands.js'
import type { Diagnosis, Failed, Reached } from './diagnosis.js'
import { parametersOf } from './parameters.js'
import { connectionProblems } from './problems.js'
import { readUnmet } from './read-unmet.js'
import { readRoleState } from './role.js'
import { readServerSettings } from './server-settings.js'
import { readServerState } from './server.js'

/** Limit of each query, and of each wait for a lock: nothing that is read is locked for long by others. */
const LIMITS = { statementTimeoutMs: 5_000, lockTimeoutMs: 200 }

/** Connects once, and finds out what there is to know of the connection, the server, and what the commands could do there. */
export const diagnose = async (
  target: ConnectionTarget,
  commands: readonly DatabaseCommand[],
  signal: AbortSignal,
): Promise<Diagnosis> => ({
  commands: commands.map(({ name }) => name),
  target: describeTarget(target),
  database: target.database,
  parameters: parametersOf(target),
  unused: target.unused ?? [],
  naming: target.naming,
  outcome: await reach(target, commands, signal),
})

const reach = async (
  target: ConnectionTarget,
  commands: readonly DatabaseCommand[],
  signal: AbortSignal,
): Promise<Reached | Failed> => {
  const session = {
    applicationName: 'chatkeep doctor',
    signal,
    statementTimeoutMs: LIMITS.statementTimeoutMs,
    queryTimeoutMs: queryTimeoutFor(LIMITS.statementTimeoutMs),
  }
  // A property, because control flow analysis does not follow callbacks.
  const progress = { isConnected: false }
  try {
    return await withWatchedClient(
      target,
      session,
      { showQueries: false, onEvent: () => undefined },
      async (watched, client) => {
        progress.isConnected = true
        const at = asReached(target, client)
        const proxy = await findProxy(client, at, signal)
        const encryption = encryptionOf(client, at)
        return {
          ...{ place: describeHost({ ...at.hosts[0], address: at.hosts[0].at }), encryption, proxy },
          ...(await readServer(watched, at, { commands, proxy, encryption })),
        }
      },
    )
  } catch (error) {
    signal.throwIfAborted()
    if (progress.isConnected || !(error instanceof OperatorError)) throw error
    return { stage: stageOf(error.cause), error }
  }
}

interface Known extends Pick<Reached, 'proxy' | 'encryption'> {
  readonly commands: readonly DatabaseCommand[]
}

const readServer = (
  client: Queryable,
  target: ConnectionTarget,
  { commands, proxy, encryption }: Known,
): Promise<Pick<Reached, 'server' | 'settings' | 'role' | 'abilities' | 'problems'>> =>
  inReadOnlySnapshot(client, LIMITS, async () => {
    const schema = target.schema ?? 'public'
    const server = await readServerState(client)
    const settings = await readServerSettings(client, target.options)
    const role = await readRoleState(client, schema)
    const facts = { server: await readServerFacts(client, schema), database: target.database, schema }
    const needs = commands.flatMap((command) => command.needs)
    const unmet = await readUnmet(needs, { client, target, schema, shared: proxy?.shared })
    const problems = [
      ...serverFindings({ ...facts, applicationRole: undefined }),
      ...connectionProblems({
        encryption,
        server,
        settings,
        role,
        unverified: unverifiedServer(target),
        now: new Date(),
      }),
    ]
    return {
      ...{ server, settings, role, abilities: abilitiesOf(commands, unmet) },
      problems: problems.toSorted(bySeverity),
    }
  })
