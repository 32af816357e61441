import { isIP } from 'node:net'
import { STAGES, type Stage } from '../database/connection-stage.js'
import { describeServerRole } from '../database/replication/describe-server-role.js'
import type { Encryption } from '../database/encryption.js'
import type { Proxy } from '../database/proxies/proxy.js'
import type { Parameter } from './parameters.js'
import { describeEnd } from './problems.js'
import type { RoleState } from './role.js'
import { SETTING_GROUPS, type ServerSetting, type SettingGroup } from './server-settings.js'
import type { ServerState } from './server.js'

const STAGE_NAMES: Readonly<Record<Stage, string>> = {
  name: 'host name',
  tcp: 'TCP',
  answer: 'answer',
  tls: 'TLS',
  authentication: 'authentication',
  database: 'database',
  session: 'session',
  pooler: 'pooler',
}

/** The stages of a connection up to the one that failed, such as `host name ok, TCP FAILED`. */
export const describeStages = (failed: Stage, parameters: readonly Parameter[]): string => {
  const valueOf = (name: string): string => parameters.find((parameter) => parameter.name === name)?.value ?? ''
  const host = valueOf('hostaddr') === '' ? valueOf('host') : valueOf('hostaddr')
  const isSocket = host.startsWith('/')
  const meets = (stage: Stage): boolean => {
    if (stage === failed) return true
    if (stage === 'name') return !isSocket && isIP(host) === 0
    // Where TLS is optional, nobody knows whether it was used.
    return stage !== 'tls' || (!isSocket && !['disable', 'allow', 'prefer'].includes(valueOf('sslmode')))
  }
  const end = failed === 'pooler' ? STAGES.indexOf('authentication') : STAGES.indexOf(failed)
  const passed = STAGES.slice(0, end).filter(meets)
  const nameOf = (stage: Stage): string => (isSocket && stage === 'tcp' ? 'socket' : STAGE_NAMES[stage])
  return [...passed.map((stage) => `${nameOf(stage)} ok`), `${nameOf(failed)} FAILED`].join(', ')
}

export const describeProxy = (proxy: Proxy | undefined): string => {
  if (proxy === undefined) return 'direct, no pooler'
  if (proxy.kind === 'relay') return 'passed on by a proxy that keeps sessions (HAProxy, an SSH tunnel, Docker)'
  const product = proxy.product ?? 'a pooler that does not say its name'
  switch (proxy.shared?.kind) {
    case undefined:
      return `through ${product}, which keeps a session for each client`
    case 'shared':
      return `through ${product}, which shares sessions between clients (transaction mode)`
    case 'pgpool':
      return `through ${product}, which divides statements between servers`
    case 'unproven':
      return `through ${product}; whether it shares sessions could not be found out`
  }
}

export const describeEncryption = (encryption: Encryption | undefined, now: Date): string => {
  if (encryption === undefined) return 'none'
  const { protocol, cipher, verified, certificate } = encryption
  const checked = verified === 'nothing' ? 'certificate not checked' : `checked: ${verified}`
  const end =
    certificate === undefined ? '' : `; ${JSON.stringify(certificate.subject)} ${describeEnd(certificate.endsAt, now)}`
  return `${protocol}, ${cipher}; ${checked}${end}`
}

export const describeServer = (server: ServerState, settings: readonly ServerSetting[]): string => {
  const { connectionsUsed, connectionsAllowed, databaseLimit, roleLimit } = server
  return [
    describeServerRole(server),
    describeSettings('server', settings),
    `${connectionsUsed} of ${connectionsAllowed} connections in use`,
    ...(databaseLimit === null ? [] : [`${databaseLimit} for this database`]),
    ...(roleLimit === null ? [] : [`${roleLimit} for this role`]),
  ].join(', ')
}

/** The settings of a group in one line; a source is named where somebody chose it for these sessions. */
export const describeSettings = (group: SettingGroup, settings: readonly ServerSetting[]): string =>
  shownSettings(group, settings) || 'none'

const shownSettings = (group: SettingGroup, settings: readonly ServerSetting[]): string =>
  settings
    .filter(({ name, value }) => (SETTING_GROUPS[group] as readonly string[]).includes(name) && !isUnset(value))
    .map(({ name, value, source }) => {
      const origin = SOURCES[source]
      return `${name} ${value}${origin === undefined ? '' : ` (${origin})`}`
    })
    .join(', ')

const isUnset = (value: string): boolean => value === '' || value === 'none'

const SOURCES: Readonly<Record<string, string | undefined>> = {
  database: 'of the database',
  user: 'of the role',
  'database user': 'of the role in this database',
  global: 'of all roles',
  client: 'of the connection',
}

export const describeRole = (role: RoleState): string => {
  const { login, isSuperuser, bypassesRowSecurity, mayCreateInDatabase, mayCreateInSchema, mayReadStatistics } = role
  const { memberOf, owns, others } = role
  return [
    role.role === login ? role.role : `${role.role} (logged in as ${login})`,
    isSuperuser ? 'superuser' : 'no superuser',
    ...(bypassesRowSecurity && !isSuperuser ? ['BYPASSRLS'] : []),
    ...(memberOf.length === 0 ? [] : [`member of ${memberOf.join(', ')}`]),
    ...(owns.length === 0 ? [] : [`owns ${owns.join(', ')}`]),
    ...[...new Set(others.map(({ owner }) => owner))].map(
      (owner) =>
        `${others
          .filter((one) => one.owner === owner)
          .map(({ table }) => table)
          .join(', ')} ${others.filter((one) => one.owner === owner).length === 1 ? 'is' : 'are'} owned by ${owner}`,
    ),
    ...(isSuperuser
      ? []
      : [
          `${mayCreateInDatabase ? 'may' : 'may not'} create schemas`,
          ...(mayCreateInSchema === null ? [] : [`${mayCreateInSchema ? 'may' : 'may not'} create in the schema`]),
          ...(mayReadStatistics ? ['may read all statistics'] : []),
        ]),
  ].join(', ')
}
