import { areNearlyUsed, freeConnections, mostConnections } from '../database/pools/connections-used.js'
import { escapeIdentifier } from '../database/identifier.js'
import { sql } from '../next-step.js'
import { finding, type Finding } from '../verify/finding.js'
import type { Reached } from './diagnosis.js'

type Found = Pick<Reached, 'encryption' | 'server' | 'settings' | 'role'> & {
  /** What is open to others on the way; undefined if nothing is. */
  readonly unverified: string | undefined
  readonly now: Date
}

type Problem =
  'server_not_verified' | 'certificate_ends_soon' | 'password_ends_soon' | 'connections_nearly_used' | 'restart_pending'

/** What is wrong with a connection and its server, beyond what `verify` checks. */
export const connectionProblems = (found: Found): readonly Finding<Problem>[] => [
  ...connectionLimitProblems(found),
  ...endProblems(found),
  ...verificationProblems(found),
  ...restartProblems(found),
]

const DAY_MS = 86_400_000
const SOON_DAYS = 30

/** Whole days from one time to another; negative after it. */
export const daysUntil = (end: Date, now: Date): number => Math.floor((end.getTime() - now.getTime()) / DAY_MS)

/** Such as `in 12 days (2026-12-10)`. */
export const describeEnd = (end: Date, now: Date): string => {
  const days = daysUntil(end, now)
  const date = end.toISOString().slice(0, 10)
  if (days < 0) return `ended on ${date}`
  return days === 0 ? `ends within a day, on ${date}` : `ends in ${days} ${days === 1 ? 'day' : 'days'}, on ${date}`
}

const endProblems = ({ encryption, role, now }: Found): readonly Finding<Problem>[] => {
  const certificate = endProblem(encryption?.certificate?.endsAt, now, {
    code: 'certificate_ends_soon',
    object: `certificate ${JSON.stringify(encryption?.certificate?.subject ?? '')} of the server`,
    help: 'install a new certificate on the server, and reload it (SELECT pg_reload_conf())',
  })
  const password = endProblem(role.passwordEndsAt ?? undefined, now, {
    code: 'password_ends_soon',
    object: `password of the role ${role.login}`,
    help: sql(`ALTER ROLE ${escapeIdentifier(role.login)} VALID UNTIL 'infinity'`, 'or another time'),
  })
  return [certificate, password].flatMap((one) => one ?? [])
}

const endProblem = (
  end: Date | undefined,
  now: Date,
  { code, object, help }: { readonly code: Problem; readonly object: string; readonly help: Finding['help'] },
): Finding<Problem> | undefined => {
  if (end === undefined || daysUntil(end, now) >= SOON_DAYS) return undefined
  const severity = end.getTime() < now.getTime() ? 'error' : 'warning'
  return finding(severity, code, {
    object,
    expected: `valid for ${SOON_DAYS} days or longer`,
    actual: describeEnd(end, now),
    help,
  })
}

const verificationProblems = ({ unverified }: Found): readonly Finding<Problem>[] => {
  if (unverified === undefined) return []
  const [actual = '', ...rest] = unverified.split(/\. (?=Set )/)
  const help = rest.join(' ').replace('Set', 'set')
  return [
    finding('warning', 'server_not_verified', {
      object: 'connection',
      expected: 'encrypted, to a server whose certificate is checked',
      actual,
      help,
    }),
  ]
}

const connectionLimitProblems = ({ server }: Found): readonly Finding<Problem>[] => {
  const connections = { used: server.connectionsUsed, allowed: server.connectionsAllowed }
  const { used, allowed } = connections
  if (!areNearlyUsed(connections)) return []
  return [
    finding('warning', 'connections_nearly_used', {
      object: 'connections of the server',
      expected: `fewer than ${mostConnections(connections)} of ${allowed} in use`,
      actual: `${used} in use`,
      help: freeConnections(connections),
    }),
  ]
}

const restartProblems = ({ settings }: Found): readonly Finding<Problem>[] =>
  settings
    .filter(({ isPending }) => isPending)
    .map(({ name, value }) =>
      finding('note', 'restart_pending', {
        object: `setting ${name}`,
        expected: 'the configured value',
        actual: `still ${value}: the configured value needs a restart of the server`,
        help: 'restart the server when it suits',
      }),
    )
