import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { CAPTURE_TRIGGER, GUARD } from '../../../migrations/archive/archive.js'
import { OWN_TABLES } from '../../../migrations/own/own-tables.js'
import { CAPTURE_FUNCTION, MISSED_WRITES } from '../../../persistence/own-names.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { commandLine, finding, rollbackCommand, type Finding } from '../../finding.js'

type Code = 'rollback_unfinished' | 'unknown_leftover'

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
      title: 'an object has a place or name of chatkeep, but this version does not know it',
      severities: ['warning'],
      meaning: `The schema chatkeep, and triggers whose names start with chatkeep_, are for chatkeep. This version does
        not know the object, so it neither uses nor drops it.`,
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
  const { names, found } = facts.own
  const objects = [
    ...(facts.server.ownTriggers.includes(CAPTURE_TRIGGER) ? [`trigger "${CAPTURE_TRIGGER}" on "ChatMessage"`] : []),
    ...(found?.functions.some(({ name }) => name === CAPTURE_FUNCTION) === true ? [`function ${names.capture}()`] : []),
  ]
  const actual = 'present: a rollback, or restoring its archive, was interrupted'
  return objects.map((object) =>
    finding('error', 'rollback_unfinished', { object, expected: 'absent', actual, help: goOn(facts) }),
  )
}

const goOn = (facts: Facts): string =>
  facts.expectation === 'migrated'
    ? `${commandLine('migrate', facts)} to undo it, or ${rollbackCommand(facts)} to finish it`
    : rollbackCommand(facts)

const unknownFindings = ({
  own: {
    names: { schema },
    found,
  },
  server: { ownTriggers },
}: Facts): readonly Finding<Code>[] => {
  // Somebody may call the schema of a chat of its own like ours.
  const isApplications = found?.tables.some(({ name }) => name === 'ChatMessage') === true
  const isOurs = (relation: string): boolean =>
    relation === MISSED_WRITES || OWN_TABLES.some(({ name }) => name === relation)
  const names = [
    ...(isApplications ? [] : (found?.tables ?? []))
      .filter(({ name }) => !isOurs(name))
      .map(({ name, kind }) => `${kind === 'r' ? 'table' : 'relation'} ${qualified(schema, name)}`),
    ...(isApplications ? [] : (found?.functions ?? []))
      .filter(({ name }) => name !== CAPTURE_FUNCTION)
      .map(({ name }) => `function ${qualified(schema, name)}`),
    ...ownTriggers
      .filter((name) => name !== CAPTURE_TRIGGER)
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
