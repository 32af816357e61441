import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { columnName } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { hasTable, type Facts } from '../../facts/facts.js'
import type { ForeignKey } from '../../facts/integrity.js'
import { finding, type Finding } from '../../finding.js'
import { or, sql } from '../../../next-step.js'

type Code = 'foreign_key_cascades' | 'foreign_key_missing' | 'foreign_key_elsewhere'

/** The keys of messages as the application creates them. */
const KEYS = [
  { column: 'clientId', target: 'Client', onDelete: 'RESTRICT', severity: 'warning' },
  { column: 'operatorId', target: 'User', onDelete: 'SET NULL', severity: 'note' },
] as const

type Key = (typeof KEYS)[number]

/** Do the foreign keys of messages keep them, and what they refer to? What else the application chose is its own. */
export const foreignKeys: FactCheck<Code> = {
  name: 'foreign-keys',
  expectations: ALWAYS,
  needs: { ChatMessage: ['clientId', 'operatorId'], Client: ['id'], User: ['id'] },
  // An ORM that keeps relations by itself has no key at all.
  findings: (facts) => {
    const keys = KEYS.filter(({ target }) => hasTable(facts, target))
    return keys.some((key) => ownKeys(key, facts).length > 0) ? keys.flatMap((key) => keyFindings(key, facts)) : []
  },
  explanations: {
    foreign_key_cascades: {
      title: 'deleting a client or a user deletes messages',
      severities: ['warning'],
      meaning: `The foreign key of the messages is ON DELETE CASCADE: a DELETE of one row of "Client" or "User" deletes
        all its messages, without a word. With "operatorId" it deletes what one person wrote to many guests.`,
      cause: `The application's model says onDelete: Cascade, or the key was created by hand.`,
      remedy: `If messages are to be kept, run the statements in the finding, and correct the application's model. Where
        deleting a client is meant to delete its messages, there is nothing to fix.`,
    },
    foreign_key_missing: {
      title: 'a foreign key of messages is missing',
      severities: ['warning', 'note'],
      meaning: `The server does not check that the client (severity warning) or the operator (severity note) of a message
        exists. Once a client is deleted, its messages refer to nobody, and later perhaps to another person.`,
      cause: `The key was dropped, or a restore left it out. A chat without any of its keys is no finding: its ORM may keep
        relations by itself (relationMode = "prisma").`,
      remedy: `Run the statements in the finding. VALIDATE CONSTRAINT blocks neither reads nor writes; it fails while
        orphaned messages exist, which chatkeep verify reports.`,
    },
    foreign_key_elsewhere: {
      title: 'a foreign key of messages refers to another table',
      severities: ['error'],
      meaning: `chatkeep writes the id of a row of "Client" or "User" of the same schema into this column. The foreign key
        wants it in another table, so the server rejects messages.`,
      cause: 'The table was copied or renamed, and the key still refers to the old one; or a tool created it.',
      remedy: 'Run the statements in the finding.',
    },
  },
}

const ownKeys = ({ column }: Key, { integrity }: Facts): readonly ForeignKey[] =>
  integrity.foreignKeys.filter(
    ({ table, columns }) => table === 'ChatMessage' && columns.length === 1 && columns[0] === column,
  )

const keyFindings = (key: Key, facts: Facts): readonly Finding<Code>[] => {
  const own = ownKeys(key, facts)
  if (own.length === 0) return [missing(key, facts)]
  return own.flatMap((actual) => {
    if (actual.referencedTable !== key.target) return [elsewhere(key, actual, facts)]
    return actual.onDelete === 'Cascade' ? [cascades(key, actual, facts)] : []
  })
}

const missing = (key: Key, facts: Facts): Finding<Code> =>
  finding(key.severity, 'foreign_key_missing', {
    object: columnName({ table: 'ChatMessage', column: key.column }),
    expected: `a foreign key to "${key.target}"`,
    actual: 'none',
    help: sql(addKey(key, facts, `ChatMessage_${key.column}_fkey`)),
  })

const elsewhere = (key: Key, actual: ForeignKey, facts: Facts): Finding<Code> =>
  finding('error', 'foreign_key_elsewhere', {
    object: nameOf(actual),
    expected: `a foreign key to "${key.target}"`,
    actual: `to ${actual.referencedTable}`,
    help: sql(replaceKey(key, actual, facts)),
  })

const cascades = (key: Key, actual: ForeignKey, facts: Facts): Finding<Code> =>
  finding('warning', 'foreign_key_cascades', {
    object: nameOf(actual),
    expected: 'a DELETE that keeps messages',
    actual: `ON DELETE CASCADE: deleting a row of "${key.target}" deletes its messages`,
    help: [sql(replaceKey(key, actual, facts)), or('nothing, if the application means it')],
  })

const nameOf = ({ name }: ForeignKey): string => `foreign key ${escapeIdentifier(name)} on "ChatMessage"`

const replaceKey = (key: Key, { name }: ForeignKey, facts: Facts): readonly string[] => [
  `ALTER TABLE ${qualified(facts.schema, 'ChatMessage')} DROP CONSTRAINT ${escapeIdentifier(name)}`,
  ...addKey(key, facts, name),
]

// NOT VALID first: it holds its lock for a moment only.
const addKey = ({ column, target, onDelete }: Key, { schema }: Facts, name: string): readonly string[] => {
  const alter = `ALTER TABLE ${qualified(schema, 'ChatMessage')}`
  return [
    `${alter} ADD CONSTRAINT ${escapeIdentifier(name)} FOREIGN KEY (${escapeIdentifier(column)}) REFERENCES ${qualified(schema, target)} ("id") ON UPDATE CASCADE ON DELETE ${onDelete} NOT VALID`,
    `${alter} VALIDATE CONSTRAINT ${escapeIdentifier(name)}`,
  ]
}
