import { escapeIdentifier } from '../../../database/identifier.js'
import type { ServerCheck, ServerSituation } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding, type Finding } from '../../finding.js'
import { effectiveSetting, type RoleSetting } from '../../facts/server-facts.js'
import type { Severity } from '../../severity.js'
import { COMMIT_NOT_REPLICATED, weakerCommit } from './commit-not-replicated.js'
import { SYNCHRONOUS_COMMIT_OFF } from './synchronous-commit-off.js'
import { sql } from '../../../next-step.js'

type Code = 'synchronous_commit_off' | 'commit_not_replicated'

/** Do roles other than the current one, especially the application's, commit without waiting for the disk, or for the standbys? */
export const committingRoles: ServerCheck<Code> = {
  name: 'committing-roles',
  expectations: ALWAYS,
  needs: {},
  findings: (facts) => {
    const { commitSettings, user } = facts.server
    const named = commitSettings.flatMap(({ role }) => (role === null ? [] : [role]))
    const application = facts.applicationRole?.role
    const roles = new Set(application === undefined ? named : [...named, application])
    // For the current role, the check of the session's own setting reports it.
    roles.delete(user)
    return [...roles].flatMap((role) => roleFindings(role, role === application, facts))
  },
  explanations: { synchronous_commit_off: SYNCHRONOUS_COMMIT_OFF, commit_not_replicated: COMMIT_NOT_REPLICATED },
}

/** Ways to write `off`. */
const OFF: readonly string[] = ['off', 'false', 'no', '0']

const roleFindings = (role: string, isApplication: boolean, facts: ServerSituation): readonly Finding<Code>[] => {
  const { commitSettings, synchronousCommit } = facts.server
  const setting = effectiveSetting(role, commitSettings)
  const weakness = setting === undefined ? undefined : weaknessOf(setting, facts)
  if (setting === undefined || weakness === undefined) return []
  // A setting for every role usually applies to the current session, too, and is then reported once, by the check of that.
  if (setting.role === null && (!isApplication || synchronousCommit.value === weakness.value)) return []
  return [
    finding(isApplication ? weakness.severity : 'note', weakness.code, {
      object: `setting synchronous_commit of the role ${role}`,
      expected: 'on',
      actual: `${weakness.value} (${sourceOf(setting)}): ${weakness.consequence}`,
      help: sql(reset(setting, facts)),
    }),
  ]
}

interface Weakness {
  readonly code: Code
  readonly value: string
  readonly severity: Severity
  readonly consequence: string
}

const weaknessOf = (setting: RoleSetting, { server: { replication } }: ServerSituation): Weakness | undefined => {
  const value = setting.value.toLowerCase()
  if (OFF.includes(value))
    return {
      code: 'synchronous_commit_off',
      value: 'off',
      severity: 'warning',
      consequence: 'a crash can lose its recent commits',
    }
  const weaker = replication.standbyNames === '' ? undefined : weakerCommit(value)
  return weaker === undefined ? undefined : { code: 'commit_not_replicated', value, ...weaker }
}

const sourceOf = ({ role, inDatabase }: RoleSetting): string => {
  if (role === null) return inDatabase ? 'set for this database' : 'set for every role'
  return inDatabase ? 'set for the role in this database' : 'set for the role'
}

const reset = ({ role, inDatabase }: RoleSetting, { database }: ServerSituation): string => {
  const place = `DATABASE ${escapeIdentifier(database)}`
  if (role === null) return `ALTER ${inDatabase ? place : 'ROLE ALL'} RESET synchronous_commit`
  return `ALTER ROLE ${escapeIdentifier(role)} ${inDatabase ? `IN ${place} ` : ''}RESET synchronous_commit`
}
