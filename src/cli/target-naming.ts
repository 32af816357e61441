import type { ConnectionTarget } from '../database/connection-target.js'
import { OperatorError } from '../errors.js'
import type { TargetNaming } from '../next-step.js'
import { shellWord } from '../shell-word.js'
import type { EnvironmentSources } from './environment.js'
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
    omitted:
      shown === given ? undefined : `the password of ${databaseUrl === undefined ? '--dbname' : '--database-url'}`,
    confirmation: confirmationOf(flags, target, sources, kind),
    typed: repeatable(argv),
  }
}

// A run that continues another has a plan of its own.
const repeatable = (argv: readonly string[]): readonly string[] =>
  argv.filter((word, index) => !/^--plan-hash(=|$)/.test(word) && argv[index - 1] !== '--plan-hash').map(typedWord)

const typedWord = (word: string): string => {
  const [, flag = '', value = word] = /^(--?[a-z][a-z-]*(?:=|$))(.*)$/is.exec(word) ?? []
  return `${flag}${flag !== '' && value === '' ? '' : shellWord(withoutPassword(value))}`
}

/** A URL, or a string of keywords and values, without its passwords. */
const withoutPassword = (target: string): string =>
  /^[a-z][a-z0-9+.-]*:\/\//i.test(target)
    ? target
        .replace(/^([^:]*:\/\/[^:/?#@]*):[^/?#]*@/, '$1@')
        .replace(/([?&])(?:ssl)?password=[^&#]*&?/g, '$1')
        .replace(/[?&]$/, '')
    : target.replace(/(^|\s)(?:ssl)?password\s*=\s*(?:'(?:[^'\\]|\\.)*'|(?:[^\s\\]|\\.)*)\s*/gs, '$1').trimEnd()

// Where a flag overrides the environment, the name alone may be that of both databases.
const confirmationOf = (
  { databaseUrl, dbname, envFile }: DatabaseFlags,
  target: ConnectionTarget,
  sources: EnvironmentSources,
  kind: ConnectionKind,
): string => {
  if (databaseUrl === undefined && dbname === undefined && envFile === undefined) return target.database
  const other = otherTarget(sources, kind)
  if (other === undefined || isSame(other, target)) return target.database
  const isSameHost = other !== 'unusable' && other.host === target.host
  return isSameHost && other.port !== target.port
    ? `${target.host}:${target.port}/${target.database}`
    : `${target.host}/${target.database}`
}

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
