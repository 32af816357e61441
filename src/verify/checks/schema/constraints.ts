import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { GUARD } from '../../../migrations/archive/archive.js'
import { EFFECTS } from '../../../migrations/ledger/effects.js'
import { BASE_COLUMNS, CLIENT_ID } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import { sql, type Next } from '../../../next-step.js'
import type { DoubtfulConstraint } from '../../facts/integrity.js'

type Code = 'constraint_not_validated' | 'foreign_key_disabled'

const USED_COLUMNS = [
  ...BASE_COLUMNS,
  CLIENT_ID,
  ...EFFECTS.flatMap(({ effect }) => (effect.kind === 'columns' ? effect.columns : [])),
]

/** Are constraints on columns that chatkeep uses enforced for every row? */
export const constraints: FactCheck<Code> = {
  name: 'constraints',
  expectations: ALWAYS,
  needs: { ChatMessage: [], Client: [], User: [] },
  findings: (facts) =>
    facts.integrity.doubtfulConstraints
      // The constraint of a rollback has its own check.
      .filter((constraint) => constraint.name !== GUARD && concernsUs(constraint))
      .map((constraint) => (isChecked(constraint) ? disabled(constraint, facts) : notValidated(constraint, facts))),
  explanations: {
    constraint_not_validated: {
      title: 'a constraint was never checked against existing rows',
      severities: ['warning'],
      meaning: `The constraint is NOT VALID: the server checks only new and changed rows. Older rows may violate it;
        such a row cannot be updated (marking it as read fails), and restoring a dump fails at it.`,
      cause: 'ADD CONSTRAINT … NOT VALID without a later VALIDATE CONSTRAINT; or NOT ENFORCED, from PostgreSQL 18 on.',
      remedy: `Run ALTER TABLE … VALIDATE CONSTRAINT. It reads the table without blocking reads or writes, and fails
        if a row violates the constraint.`,
    },
    foreign_key_disabled: {
      title: 'a foreign key is not enforced: its triggers are disabled',
      severities: ['warning'],
      meaning: `The catalog lists the foreign key as valid, but the server does not check it: messages of nonexistent
        clients are accepted, and clients with messages can be deleted.`,
      cause: `ALTER TABLE … DISABLE TRIGGER ALL for an import or a data-only restore, without enabling them
        afterwards.`,
      remedy: `Run the ALTER TABLE … ENABLE TRIGGER ALL in the finding. It does not check rows that were written in
        the meantime; chatkeep verify looks for orphaned ones.`,
    },
  },
}

const concernsUs = ({ table, columns }: DoubtfulConstraint): boolean =>
  USED_COLUMNS.some((used) => used.table === table && columns.includes(used.column))

const isChecked = ({ validated, enforced }: DoubtfulConstraint): boolean => validated && enforced

const nameOf = ({ kind, name, table }: DoubtfulConstraint): string => `${kind} ${escapeIdentifier(name)} on "${table}"`

const notValidated = (constraint: DoubtfulConstraint, facts: Facts): Finding<Code> =>
  finding('warning', 'constraint_not_validated', {
    object: nameOf(constraint),
    expected: 'validated: it holds for every row',
    actual: constraint.enforced ? 'NOT VALID: older rows were never checked' : 'NOT ENFORCED: no row is checked',
    help: wayToValidate(constraint, facts),
  })

const wayToValidate = ({ table, name, kind, enforced }: DoubtfulConstraint, { schema }: Facts): Next => {
  const [alter, constraint] = [`ALTER TABLE ${qualified(schema, table)}`, `CONSTRAINT ${escapeIdentifier(name)}`]
  if (enforced) return sql(`${alter} VALIDATE ${constraint}`)
  if (kind === 'foreign key') return sql(`${alter} ALTER ${constraint} ENFORCED`)
  return [sql(`${alter} DROP ${constraint}`), 'add it again without NOT ENFORCED']
}

const disabled = (constraint: DoubtfulConstraint, { schema }: Facts): Finding<Code> =>
  finding('warning', 'foreign_key_disabled', {
    object: nameOf(constraint),
    expected: 'enforced',
    actual: 'its triggers are disabled: no row is checked',
    help: sql(
      ['Client', 'User', 'ChatMessage'].map((table) => `ALTER TABLE ${qualified(schema, table)} ENABLE TRIGGER ALL`),
      'as a superuser',
    ),
  })
