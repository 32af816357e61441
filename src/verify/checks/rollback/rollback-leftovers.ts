import { escapeIdentifier } from '../../../database/identifier.js'
import { GUARD } from '../../../migrations/archive/archive.js'
import { NOTE_FUNCTIONS, NOTE_TRIGGERS } from '../../../migrations/ledger/own-objects.js'
import { OWN_TABLES } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { commandLine, finding, rollbackCommand, type Finding } from '../../finding.js'

/** What a rollback makes on its way and removes again. */
const CAPTURE = 'chatkeep_capture'

/** Known by name: its own history, the archive, which has a check of its own, and what the guest-chat update makes. */
const KNOWN_TABLES = [
  'chatkeep_runs',
  'chatkeep_archive',
  'chatkeep_archive_client',
  'chatkeep_archive_guest_client',
  ...OWN_TABLES,
]
const KNOWN_FUNCTIONS = [CAPTURE, ...NOTE_FUNCTIONS.map(({ name }) => name)]
const KNOWN_TRIGGERS = [CAPTURE, ...NOTE_TRIGGERS.map(({ name }) => name)]

/** Was a rollback cut off half-way, or is there anything else of chatkeep's that should not stay? */
export const rollbackLeftovers: FactCheck = {
  name: 'rollback-leftovers',
  expectations: ALWAYS,
  findings: (facts) => [...guardFindings(facts), ...captureFindings(facts), ...unknownFindings(facts)],
}

const guardFindings = (facts: Facts): readonly Finding[] => {
  const validated = facts.catalog.checks.get(GUARD)
  if (validated === undefined) return []
  return [
    finding('error', 'rollback_unfinished', {
      object: `constraint ${escapeIdentifier(GUARD)} on "ChatMessage"`,
      expected: 'absent',
      actual: `there${validated ? '' : ', not validated'}: a rollback began and did not end; messages without client are refused`,
      help: goOn(facts),
    }),
  ]
}

const captureFindings = (facts: Facts): readonly Finding[] => {
  const { ownTriggers, ownFunctions } = facts.surroundings
  const names = [
    ...(ownTriggers.includes(CAPTURE) ? [`trigger "${CAPTURE}" on "ChatMessage"`] : []),
    ...(ownFunctions.includes(CAPTURE) ? [`function "${CAPTURE}"()`] : []),
  ]
  const actual = 'there: a rollback, or the restoring of its archive, began and did not end'
  return names.map((object) =>
    finding('error', 'rollback_unfinished', { object, expected: 'absent', actual, help: goOn(facts) }),
  )
}

const goOn = (facts: Facts): string =>
  facts.expectation === 'migrated'
    ? `${commandLine('migrate', facts)} to undo it, or ${rollbackCommand(facts)} to finish it`
    : rollbackCommand(facts)

const unknownFindings = ({ surroundings: { ownTables, ownFunctions, ownTriggers } }: Facts): readonly Finding[] => {
  const names = [
    ...ownTables.filter((name) => !KNOWN_TABLES.includes(name)).map((name) => `table ${escapeIdentifier(name)}`),
    ...ownFunctions
      .filter((name) => !KNOWN_FUNCTIONS.includes(name))
      .map((name) => `function ${escapeIdentifier(name)}`),
    ...ownTriggers
      .filter((name) => !KNOWN_TRIGGERS.includes(name))
      .map((name) => `trigger ${escapeIdentifier(name)} on "ChatMessage"`),
  ]
  return names.map((object) =>
    finding('warning', 'unknown_leftover', {
      object,
      expected: 'absent',
      actual: 'there, but this version of chatkeep does not know it',
      help: 'chatkeep --version; a newer one may have made it. If none did, drop it',
    }),
  )
}
