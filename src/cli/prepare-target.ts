import { connect, disconnect, pinServer } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import type { DatabaseFlags } from './flags.js'
import { nameTarget, type NamedRun } from './target-naming.js'

/** What preparing a target needs of the run, and tells it. */
export interface TargetContext extends NamedRun {
  readonly signal: AbortSignal
  readonly askPassword: ConnectionTarget['askPassword']
  /** Whether all connections go to the server that the first one reaches. */
  readonly staysOnOneServer: boolean
  readonly onTarget: (target: ConnectionTarget) => void
}

/** @throws OperatorError while the database is unavailable, or a standby that may yet be promoted */
const findPrimary = async (target: ConnectionTarget, signal: AbortSignal): Promise<void> =>
  disconnect(await connect({ ...target, sessionAttributes: 'primary' }, { applicationName: 'chatkeep', signal }))

/** Settles which server is meant, and how commands name it. */
export const prepareTarget = async (
  resolved: ConnectionTarget,
  flags: DatabaseFlags,
  context: TargetContext,
): Promise<ConnectionTarget> => {
  const { askPassword, signal, staysOnOneServer, onTarget } = context
  const named = (target: ConnectionTarget): ConnectionTarget => {
    const naming = nameTarget(flags, target, context)
    onTarget({ ...target, naming })
    return { ...target, naming }
  }
  const target = named({ ...resolved, askPassword })
  if (target.wait !== undefined) await findPrimary(target, signal)
  const pinned = staysOnOneServer ? await pinServer(target, signal) : target
  return pinned === target ? target : named(pinned)
}
