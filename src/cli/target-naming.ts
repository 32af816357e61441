import { describeAddress, type ConnectionTarget } from '../database/connection-target.js'
import { isSocket } from '../database/target/hosts.js'
import { OperatorError } from '../errors.js'
import type { TargetNaming } from '../next-step.js'
import { shellWord } from '../shell-word.js'
import { nameOneItself, type EnvironmentSources } from './environment.js'
import type { DatabaseFlags } from './flags.js'
import { resolveTarget, type ConnectionKind } from './resolve-target.js'

/** What a run was given to find its database. */
export interface NamedRun {
  readonly argv: readonly string[]
  readonly sources: EnvironmentSources
  readonly kind: ConnectionKind
}

/** How commands that are printed name the database of this run. What the environment says is theirs, too. */
export const nameTarget = (
  flags: DatabaseFlags,
  target: ConnectionTarget,
  { argv, sources, kind }: NamedRun,
): TargetNaming => {
  const { databaseUrl, dbname, envFile, schema, embedded, migrations } = flags
  const given = databaseUrl ?? dbname
  const shown = given === undefined ? undefined : withoutPassword(given)
  const flag = (name: string, value: string | undefined): readonly string[] =>
    value === undefined ? [] : [`--${name} ${shellWord(value)}`]
  return {
    flags: [
      ...(embedded === true ? ['--embedded'] : flag('embedded', embedded)),
      ...flag(databaseUrl === undefined ? 'dbname' : 'database-url', shown),
      ...flag('env-file', envFile),
      ...flag('schema', schema),
    ],
    migrationFlags: flag('migrations', migrations),
    remarks: [
      ...(shown === given ? [] : [leftOut(databaseUrl === undefined ? '--dbname' : '--database-url')]),
      ...(kind === 'pooled' && isByEnvironment(flags) ? otherDirectTarget(target, sources) : []),
    ],
    confirmation: confirmationOf(flags, target, sources, kind),
    typed: repeatable(argv),
  }
}

const leftOut = (flag: string): string =>
  `the commands above leave out the password of ${flag}: chatkeep asks for it on a terminal, else set PGPASSWORD`

const isByEnvironment = ({ databaseUrl, dbname, envFile }: DatabaseFlags): boolean =>
  databaseUrl === undefined && dbname === undefined && envFile === undefined

// Most often it is the same database without a pooler; chatkeep cannot know.
const otherDirectTarget = (target: ConnectionTarget, sources: EnvironmentSources): readonly string[] => {
  const direct = otherTarget(sources, 'direct')
  if (direct === undefined || direct === 'unusable' || isSame(direct, target)) return []
  return [
    `this was about ${describeAddress(target)}; migrate, rollback and verify use DIRECT_URL: ${describeAddress(direct)}`,
  ]
}

// A run that continues another has a plan of its own.
const repeatable = (argv: readonly string[]): readonly string[] =>
  argv.filter((word, index) => !/^--plan-hash(=|$)/.test(word) && argv[index - 1] !== '--plan-hash').map(typedWord)

const typedWord = (word: string): string => {
  const [, flag = '', value = word] = /^(--?[a-z][a-z-]*(?:=|$)|-d(?=[^-]))(.*)$/is.exec(word) ?? []
  return `${flag}${flag !== '' && value === '' ? '' : shellWord(withoutPassword(value))}`
}

/** A URL, or a string of keywords and values, without its passwords. */
const withoutPassword = (target: string): string =>
  /^[a-z][a-z0-9+.-]*:\/\//i.test(target)
    ? target
        // As libpq reads it: credentials end at the first @ before any slash.
        .replace(/^([^:]*:\/\/[^:/@]*):[^/@]*@/, '$1@')
        .replace(/([?&])(?:ssl)?password=[^&#]*&?/g, '$1')
        .replace(/[?&]$/, '')
    : target.replace(/(^|\s)(?:ssl)?password\s*=\s*(?:'(?:[^'\\]|\\.)*'|(?:[^\s\\]|\\.)*)\s*/gs, '$1').trimEnd()

// Where something else is named, too, the name alone may be that of both databases.
const confirmationOf = (
  flags: DatabaseFlags,
  target: ConnectionTarget,
  sources: EnvironmentSources,
  kind: ConnectionKind,
): string => {
  if (flags.embedded !== undefined) return target.database
  // DIRECT_URL overrides DATABASE_URL.
  const other = otherTarget(sources, isByEnvironment(flags) ? 'pooled' : kind)
  if (other === undefined || isSame(other, target) || isWayThere(other, target, sources)) return target.database
  const isSameHost = other !== 'unusable' && other.host === target.host
  return isSocket(target.host) || (isSameHost && other.port !== target.port)
    ? `${target.host}:${target.port}/${target.database}`
    : `${target.host}/${target.database}`
}

// PGHOST, PGPORT and PGUSER alone say how to reach the server; the database that they lead to is a mere default.
const isWayThere = (
  other: ConnectionTarget | 'unusable',
  target: ConnectionTarget,
  { real, file }: EnvironmentSources,
): boolean =>
  other !== 'unusable' &&
  !nameOneItself(real) &&
  (file === undefined || file.isNamed || !nameOneItself(file.variables)) &&
  isSame({ ...other, database: target.database }, target)

const isSame = (other: ConnectionTarget | 'unusable', { host, port, database }: ConnectionTarget): boolean =>
  other !== 'unusable' && other.host === host && other.port === port && other.database === database

/** The database that the environment names, without any flag. */
const otherTarget = (
  { real, file }: EnvironmentSources,
  kind: ConnectionKind,
): ConnectionTarget | 'unusable' | undefined => {
  try {
    return resolveTarget({}, { real, file: file?.isNamed === true ? undefined : file, notes: [] }, kind)
  } catch (error) {
    return error instanceof OperatorError && error.code === 'no_database_named' ? undefined : 'unusable'
  }
}
