import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { GUARD } from '../../../migrations/archive/archive.js'
import { EFFECTS } from '../../../migrations/ledger/effects.js'
import { BASE_COLUMNS, CLIENT_ID, OWN_COLUMNS } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import type { DoubtfulConstraint } from '../../facts/integrity.js'

const USED_COLUMNS = [
  ...BASE_COLUMNS,
  CLIENT_ID,
  ...OWN_COLUMNS,
  ...EFFECTS.flatMap(({ effect }) => (effect.kind === 'columns' ? effect.columns : [])),
]

/** Do the constraints over columns that chatkeep uses hold for every row? */
export const constraints: FactCheck = {
  name: 'constraints',
  expectations: ALWAYS,
  findings: (facts) =>
    facts.integrity.doubtfulConstraints
      // The guard of a rollback has a check of its own.
      .filter((constraint) => constraint.name !== GUARD && concernsUs(constraint))
      .map((constraint) => (isChecked(constraint) ? disabled(constraint, facts) : notValidated(constraint, facts))),
}

const concernsUs = ({ table, columns }: DoubtfulConstraint): boolean =>
  USED_COLUMNS.some((used) => used.table === table && columns.includes(used.column))

const isChecked = ({ validated, enforced }: DoubtfulConstraint): boolean => validated && enforced

const nameOf = ({ kind, name, table }: DoubtfulConstraint): string => `${kind} ${escapeIdentifier(name)} on "${table}"`

const notValidated = (constraint: DoubtfulConstraint, facts: Facts): Finding =>
  finding('warning', 'constraint_not_validated', {
    object: nameOf(constraint),
    expected: 'validated: it holds for every row',
    actual: constraint.enforced ? 'NOT VALID: older rows were never checked' : 'NOT ENFORCED: no row is checked',
    help: wayToValidate(constraint, facts),
  })

const wayToValidate = ({ table, name, kind, enforced }: DoubtfulConstraint, { schema }: Facts): string => {
  const [alter, constraint] = [`ALTER TABLE ${qualified(schema, table)}`, `CONSTRAINT ${escapeIdentifier(name)}`]
  if (enforced) return `${alter} VALIDATE ${constraint}`
  if (kind === 'foreign key') return `${alter} ALTER ${constraint} ENFORCED`
  return `${alter} DROP ${constraint}, and add it again without NOT ENFORCED`
}

const disabled = (constraint: DoubtfulConstraint, { schema }: Facts): Finding =>
  finding('warning', 'foreign_key_disabled', {
    object: nameOf(constraint),
    expected: 'enforced',
    actual: 'its triggers are disabled: no row is checked',
    help: `as a superuser: ALTER TABLE ${qualified(schema, constraint.table)} ENABLE TRIGGER ALL, also on the table that it refers to`,
  })
