import { escapeIdentifier } from '../../../database/identifier.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import type { RoleSetting } from '../../facts/server-facts.js'

/** Do other roles than the one that asks, the application's above all, commit without waiting for the disk? */
export const committingRoles: FactCheck = {
  name: 'committing-roles',
  expectations: ALWAYS,
  findings: (facts) => {
    const { commitSettings, user } = facts.surroundings
    const named = commitSettings.flatMap(({ role }) => (role === null ? [] : [role]))
    const application = facts.applicationRole?.role
    const roles = new Set(application === undefined ? named : [...named, application])
    // What holds for the role that asks is a matter of the session's own setting.
    roles.delete(user)
    return [...roles].flatMap((role) => roleFindings(role, role === application, facts))
  },
}

/** As somebody may have written it. */
const OFF: readonly string[] = ['off', 'false', 'no', '0']

const roleFindings = (role: string, isApplication: boolean, facts: Facts): readonly Finding[] => {
  const { commitSettings, synchronousCommit } = facts.surroundings
  const setting = effectiveSetting(role, commitSettings)
  if (setting === undefined || !OFF.includes(setting.value.toLowerCase())) return []
  // What is set for every role, the session that asks has, too, unless it has its own: it is told once.
  if (setting.role === null && (!isApplication || synchronousCommit.value === 'off')) return []
  return [
    finding(isApplication ? 'warning' : 'note', 'synchronous_commit_off', {
      object: `setting synchronous_commit of the role ${role}`,
      expected: 'on',
      actual: `off (${sourceOf(setting)}): a crash can lose what it just committed`,
      help: reset(setting, facts),
    }),
  ]
}

/** The most particular one wins: role and database, role, database, all. */
export const effectiveSetting = (role: string, settings: readonly RoleSetting[]): RoleSetting | undefined => {
  const rank = (setting: RoleSetting): number => (setting.role === null ? 0 : 2) + (setting.inDatabase ? 1 : 0)
  return settings
    .filter((setting) => setting.role === null || setting.role === role)
    .toSorted((a, b) => rank(b) - rank(a))[0]
}

const sourceOf = ({ role, inDatabase }: RoleSetting): string => {
  if (role === null) return inDatabase ? 'set for this database' : 'set for every role'
  return inDatabase ? 'set for it in this database' : 'set for it'
}

const reset = ({ role, inDatabase }: RoleSetting, { database }: Facts): string => {
  const place = `DATABASE ${escapeIdentifier(database)}`
  if (role === null) return `ALTER ${inDatabase ? place : 'ROLE ALL'} RESET synchronous_commit`
  return `ALTER ROLE ${escapeIdentifier(role)} ${inDatabase ? `IN ${place} ` : ''}RESET synchronous_commit`
}
