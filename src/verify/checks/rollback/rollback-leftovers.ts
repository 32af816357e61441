import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { CAPTURE_TRIGGER, GUARD } from '../../../migrations/archive/archive.js'
import { OWN_TABLES } from '../../../migrations/own/own-tables.js'
import { CAPTURE_FUNCTION, MISSED_WRITES } from '../../../persistence/own-names.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { finding, rollbackStep, type Finding } from '../../finding.js'
import { chatkeep, or, sql, type Next } from '../../../next-step.js'

type Code = 'rollback_unfinished' | 'unknown_leftover'

/** Was a rollback interrupted, or are there unknown objects with chatkeep names? */
export const rollbackLeftovers: FactCheck<Code> = {
  name: 'rollback-leftovers',
  expectations: ALWAYS,
  needs: {},
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

const goOn = (facts: Facts): Next =>
  facts.expectation === 'migrated'
    ? [chatkeep('migrate', 'undo it'), or({ ...rollbackStep(facts), why: 'finish it' })]
    : rollbackStep(facts)

const named = (kind: string, name: string) => ({ object: `${kind} ${name}`, drop: `${kind.toUpperCase()} ${name}` })

/** Kinds of relations by their letter in pg_class. */
const RELATIONS: Readonly<Record<string, string>> = { r: 'table', v: 'view', m: 'materialized view', S: 'sequence' }

const unknownFindings = ({
  schema: application,
  own: {
    names: { schema },
    found,
  },
  server: { ownTriggers },
}: Facts): readonly Finding<Code>[] => {
  // Somebody may call the schema of a chat of its own like ours.
  const isApplications = found?.tables.some(({ name }) => name === 'ChatMessage') === true
  const isOurs = (relation: string): boolean =>
    relation === MISSED_WRITES ||
    OWN_TABLES.some(({ name, parts = [] }) => name === relation || parts.includes(relation))
  // Triggers first: their functions cannot be dropped before them.
  const objects = [
    ...ownTriggers
      .filter((name) => name !== CAPTURE_TRIGGER)
      .map((name) => {
        const table = qualified(application, 'ChatMessage')
        const trigger = escapeIdentifier(name)
        return { object: `trigger ${trigger} on ${table}`, drop: `TRIGGER ${trigger} ON ${table}` }
      }),
    ...(isApplications ? [] : (found?.tables ?? []))
      .filter(({ name }) => !isOurs(name))
      .map(({ name, kind }) => named(RELATIONS[kind] ?? 'relation', qualified(schema, name))),
    ...(isApplications ? [] : (found?.functions ?? []))
      .filter(({ name }) => name !== CAPTURE_FUNCTION)
      .map(({ name }) => named('function', qualified(schema, name))),
  ]
  return objects.map(({ object, drop }) =>
    finding('warning', 'unknown_leftover', {
      object,
      expected: 'absent',
      actual: 'present, but unknown to this version of chatkeep',
      help: ['use the version of chatkeep that created it', or(sql(`DROP ${drop}`, 'if nobody needs it'))],
    }),
  )
}
