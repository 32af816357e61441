import { escapeIdentifier } from '../../../database/identifier.js'
import type { ServerCheck, ServerSituation } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding, type Finding } from '../../finding.js'
import type { RoleSetting } from '../../facts/server-facts.js'
import { SYNCHRONOUS_COMMIT_OFF } from './synchronous-commit-off.js'
import { sql } from '../../../next-step.js'

type Code = 'synchronous_commit_off'

/** Do roles other than the current one, especially the application's, commit without waiting for the disk? */
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
  explanations: { synchronous_commit_off: SYNCHRONOUS_COMMIT_OFF },
}

/** Ways to write `off`. */
const OFF: readonly string[] = ['off', 'false', 'no', '0']

const roleFindings = (role: string, isApplication: boolean, facts: ServerSituation): readonly Finding<Code>[] => {
  const { commitSettings, synchronousCommit } = facts.server
  const setting = effectiveSetting(role, commitSettings)
  if (setting === undefined || !OFF.includes(setting.value.toLowerCase())) return []
  // A setting for every role usually applies to the current session, too, and is then reported once, by the check of that.
  if (setting.role === null && (!isApplication || synchronousCommit.value === 'off')) return []
  return [
    finding(isApplication ? 'warning' : 'note', 'synchronous_commit_off', {
      object: `setting synchronous_commit of the role ${role}`,
      expected: 'on',
      actual: `off (${sourceOf(setting)}): a crash can lose its recent commits`,
      help: sql(reset(setting, facts)),
    }),
  ]
}

/** The most specific setting wins: role in database, role, database, all. */
export const effectiveSetting = (role: string, settings: readonly RoleSetting[]): RoleSetting | undefined => {
  const rank = (setting: RoleSetting): number => (setting.role === null ? 0 : 2) + (setting.inDatabase ? 1 : 0)
  return settings
    .filter((setting) => setting.role === null || setting.role === role)
    .toSorted((a, b) => rank(b) - rank(a))[0]
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
