import { escapeIdentifier, qualified } from '../../database/identifier.js'
import { encodingHint } from '../../database/errors/encoding-hint.js'
import { SqlState, type ServerError } from '../../database/sql-state.js'
import { MISSING_PARTITION } from '../../persistence/after-refusal.js'
import { hasNoPartition } from '../../persistence/blame.js'
import { LARGEST_ID } from '../../persistence/ids/ids.js'
import { CLIENT_ID } from '../../persistence/shape.js'
import type { ProbeCode } from './explanations.js'
import { finding, type Finding } from '../finding.js'
import { optionalColumn } from '../checks/objects/repair-column.js'
import { chatkeep, or, psql, sql, type Next, type NextStep } from '../../next-step.js'

/** Collects the findings of a probe. Equal findings of several steps become one. */
export interface ProbeFindings {
  readonly refused: (step: string, error: ServerError) => void
  readonly swallowed: (step: string) => void
  readonly lost: (step: string, missing: number, written: number) => void
  readonly changed: (step: string, columns: readonly string[]) => void
  readonly withoutClient: (step: string, refusals: readonly ServerError[]) => void
  readonly duplicateAccepted: (step: string) => void
  readonly keyConflict: (step: string) => void
  readonly idTooLarge: (step: string) => void
  readonly notMarked: (step: string) => void
  readonly notListed: (step: string) => void
  readonly all: () => readonly Finding<FoundCode>[]
}

/** A check has a code of these, too. */
type FoundCode = ProbeCode | 'id_too_large'

interface Place {
  readonly schema: string
  readonly user: string
  /** Statements that give the role what it lacks. */
  readonly grants: readonly string[]
}

type Words = Pick<Finding, 'expected' | 'actual' | 'help'>

export const createProbeFindings = (place: Place): ProbeFindings => {
  const found: Finding<FoundCode>[] = []
  const add = (code: FoundCode, step: string, words: Words, sqlState?: string): void => {
    const same = found.findIndex((one) => one.code === code && one.actual === words.actual)
    const [earlier] = same < 0 ? [] : found.splice(same, 1)
    const object = earlier === undefined ? `probe: ${step}` : `${earlier.object}; ${step}`
    found.push({ ...finding('error', code, { object, ...words }), sqlState })
  }
  return {
    refused: (step, error) =>
      add(
        'probe_refused',
        step,
        { expected: 'accepted by the database', actual: describeRefusal(error), help: wayOut(error, place) },
        error.code,
      ),
    swallowed: (step) =>
      add('probe_message_lost', step, {
        expected: 'a row in "ChatMessage"',
        actual: 'no row and no error: a trigger or rule discards the insert',
        help: describeTable(place, 'ChatMessage', 'find the trigger or rule responsible'),
      }),
    lost: (step, missing, written) =>
      add('probe_message_lost', step, {
        expected: written === 1 ? 'the saved message' : `the ${written} saved messages`,
        actual: `${missing} of ${written} missing: a trigger deletes the row, or row-level security hides it from ${place.user}`,
        help: describeTable(place, 'ChatMessage', 'find the trigger or policy responsible'),
      }),
    changed: (step, columns) =>
      add('probe_message_changed', step, {
        expected: 'the message as it was sent',
        actual: `different values in ${columns.map(escapeIdentifier).join(', ')}: a trigger changes what is stored`,
        help: describeTable(place, 'ChatMessage', 'find the trigger responsible'),
      }),
    withoutClient: (step, refusals) => {
      const [error] = refusals
      const reason =
        error === undefined
          ? 'no row and no error: a trigger or rule on "Client" discards the insert'
          : describeRefusal(error)
      add(
        'probe_client_not_made',
        step,
        {
          expected: 'a client is created for the guest',
          actual: `the message is saved without client: ${reason}`,
          help:
            error === undefined
              ? describeTable(place, 'Client', 'find the trigger or rule responsible')
              : wayOut(error, place),
        },
        error?.code,
      )
    },
    duplicateAccepted: (step) =>
      add('probe_duplicate_accepted', step, {
        expected: 'recognised as a duplicate, nothing stored',
        actual: 'stored a second time',
        help: chatkeep('verify', 'see whether the unique index is missing'),
      }),
    keyConflict: (step) =>
      add('probe_message_changed', step, {
        expected: 'recognised as a duplicate, nothing stored',
        actual: 'rejected, because the key belongs to a different message: a trigger changes what is stored',
        help: describeTable(place, 'ChatMessage', 'find the trigger responsible'),
      }),
    idTooLarge: (step) =>
      add('id_too_large', step, {
        expected: `an id from -${LARGEST_ID} to ${LARGEST_ID}`,
        actual: 'one that a number does not hold exactly',
        help: chatkeep('explain id_too_large'),
      }),
    notMarked: (step) =>
      add('probe_not_marked_as_read', step, {
        expected: '1 message marked',
        actual: `none: a trigger or rule discards the update, or row-level security hides the row from ${place.user}`,
        help: describeTable(place, 'ChatMessage', 'find the trigger, rule or policy responsible'),
      }),
    notListed: (step) =>
      add('probe_chat_not_listed', step, {
        expected: "the guest's chat",
        actual: 'missing: a trigger changes the time or the client of the message after the insert',
        help: describeTable(place, 'ChatMessage', 'find the trigger responsible'),
      }),
    all: () => found,
  }
}

// Without the error's detail, which repeats values of the row.
const describeRefusal = ({ message, code }: ServerError): string => `rejected: ${message} [${code}]`

/** The table as psql describes it, with its triggers, rules and policies. */
const describeTable = ({ schema }: Place, table: string, why: string): NextStep =>
  psql(`\\d ${qualified(schema, table)}`, why)

const wayOut = (error: ServerError, place: Place): Next => {
  const table = error.table ?? 'ChatMessage'
  if (hasNoPartition(error)) return [MISSING_PARTITION, describeTable(place, table, 'see its partitions')]
  switch (error.code) {
    case SqlState.insufficientPrivilege:
      return place.grants.length > 0
        ? sql(place.grants)
        : describeTable(place, table, 'find the row-level security policy that rejects the row')
    case SqlState.notNullViolation:
      // Without a column it is that of a domain.
      if (error.column === undefined) return describeTable(place, table, 'find the type that rejects NULL')
      return error.column === CLIENT_ID.column ? chatkeep('migrate') : optionalColumn(place.schema, table, error.column)
    case SqlState.sequenceGeneratorLimitExceeded:
      return chatkeep('verify', 'see which sequence ends, and how to go on')
    case SqlState.undefinedTable:
    case SqlState.undefinedColumn:
    case SqlState.undefinedObject:
      // What a trigger of the application refers to is none of ours.
      return [
        chatkeep('migrate', 'if verify reports something missing'),
        or(describeTable(place, table, 'find the trigger that refers to it')),
      ]
    case SqlState.invalidColumnReference:
      return chatkeep('migrate')
    default:
      return encodingHint(error) ?? describeTable(place, table, 'find the constraint, trigger or rule responsible')
  }
}
