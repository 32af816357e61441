import type { Encryption } from '../database/encryption.js'
import type { Stage } from '../database/connection-stage.js'
import type { Proxy } from '../database/proxies/proxy.js'
import type { GivenSetting } from '../database/target/sources.js'
import type { OperatorError } from '../errors.js'
import type { TargetNaming } from '../next-step.js'
import type { Finding } from '../verify/finding.js'
import type { Ability } from './commands.js'
import type { Parameter } from './parameters.js'
import type { RoleState } from './role.js'
import type { ServerSetting } from './server-settings.js'
import type { ServerState } from './server.js'

/** A connection, and what was found on it. */
export interface Diagnosis {
  /** Commands that use this connection. */
  readonly commands: readonly string[]
  readonly target: string
  readonly database: string
  readonly parameters: readonly Parameter[]
  /** Settings that another source overrides. */
  readonly unused: readonly GivenSetting[]
  readonly naming: TargetNaming | undefined
  readonly outcome: Reached | Failed
}

/** The connection failed. */
export interface Failed {
  readonly stage: Stage
  readonly error: OperatorError
}

/** The connection succeeded. */
export interface Reached {
  /** The server, with its address. */
  readonly place: string
  readonly encryption: Encryption | undefined
  /** What stands between chatkeep and the server; undefined if nothing does. */
  readonly proxy: Proxy | undefined
  readonly server: ServerState
  readonly settings: readonly ServerSetting[]
  readonly role: RoleState
  readonly abilities: readonly Ability[]
  /** What is wrong with connection and server, worst first. */
  readonly problems: readonly Finding[]
}

export const isReached = (outcome: Reached | Failed): outcome is Reached => 'place' in outcome
