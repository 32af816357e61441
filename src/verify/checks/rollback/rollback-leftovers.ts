import { escapeIdentifier } from '../../../database/identifier.js'
import { GUARD } from '../../../migrations/archive/archive.js'
import { OWN_TABLES } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { commandLine, finding, rollbackCommand, type Finding } from '../../finding.js'

type Code = 'rollback_unfinished' | 'unknown_leftover'

/** Trigger and function that exist only during a rollback. */
const CAPTURE = 'chatkeep_capture'

/** The history of runs, the archive (which has its own check), and the tables of the guest-chat update. */
const KNOWN_TABLES = [
  'chatkeep_runs',
  'chatkeep_archive',
  'chatkeep_archive_client',
  'chatkeep_archive_guest_client',
  ...OWN_TABLES,
]

/** Was a rollback interrupted, or are there unknown objects with chatkeep names? */
export const rollbackLeftovers: FactCheck<Code> = {
  name: 'rollback-leftovers',
  expectations: ALWAYS,
  findings: (facts) => [...guardFindings(facts), ...captureFindings(facts), ...unknownFindings(facts)],
  explanations: {
    rollback_unfinished: {
      title: 'a rollback was interrupted',
      severities: ['error'],
      meaning: `A constraint or trigger that exists only during a rollback is still there. The constraint rejects
        every message without client, and every update of one (such as marking it as read).`,
      cause: `chatkeep rollback was killed or lost its connection. It can be interrupted at any point without losing
        data.`,
      remedy: `Run chatkeep migrate to undo the rollback, or chatkeep rollback to finish it. Either can be run
        immediately.`,
    },
    unknown_leftover: {
      title: 'an object is named like one of chatkeep, but this version does not know it',
      severities: ['warning'],
      meaning: `Names that start with chatkeep_ are reserved for chatkeep. This version does not know the object, so
        it neither uses nor drops it.`,
      cause: 'A newer version of chatkeep created it, or it was created by hand.',
      remedy: `Compare chatkeep --version with the versions in use elsewhere. If none of them created the object,
        drop or rename it.`,
    },
  },
}

const guardFindings = (facts: Facts): readonly Finding<Code>[] => {
  const validated = facts.catalog.checks.get(GUARD)
  if (validated === undefined) return []
  return [
    finding('error', 'rollback_unfinished', {
      object: `constraint ${escapeIdentifier(GUARD)} on "ChatMessage"`,
      expected: 'absent',
      actual: `present${validated ? '' : ', not validated'}: a rollback was interrupted; messages without client are rejected`,
      help: goOn(facts),
    }),
  ]
}

const captureFindings = (facts: Facts): readonly Finding<Code>[] => {
  const { ownTriggers, ownFunctions } = facts.server
  const names = [
    ...(ownTriggers.includes(CAPTURE) ? [`trigger "${CAPTURE}" on "ChatMessage"`] : []),
    ...(ownFunctions.includes(CAPTURE) ? [`function "${CAPTURE}"()`] : []),
  ]
  const actual = 'present: a rollback, or restoring its archive, was interrupted'
  return names.map((object) =>
    finding('error', 'rollback_unfinished', { object, expected: 'absent', actual, help: goOn(facts) }),
  )
}

const goOn = (facts: Facts): string =>
  facts.expectation === 'migrated'
    ? `${commandLine('migrate', facts)} to undo it, or ${rollbackCommand(facts)} to finish it`
    : rollbackCommand(facts)

const unknownFindings = ({ server: { ownTables, ownFunctions, ownTriggers } }: Facts): readonly Finding<Code>[] => {
  const names = [
    ...ownTables.filter((name) => !KNOWN_TABLES.includes(name)).map((name) => `table ${escapeIdentifier(name)}`),
    ...ownFunctions.filter((name) => name !== CAPTURE).map((name) => `function ${escapeIdentifier(name)}`),
    ...ownTriggers
      .filter((name) => name !== CAPTURE)
      .map((name) => `trigger ${escapeIdentifier(name)} on "ChatMessage"`),
  ]
  return names.map((object) =>
    finding('warning', 'unknown_leftover', {
      object,
      expected: 'absent',
      actual: 'present, but unknown to this version of chatkeep',
      help: 'chatkeep --version: a newer version may have created it; otherwise drop it',
    }),
  )
}
