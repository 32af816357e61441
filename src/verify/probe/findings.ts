import { escapeIdentifier, qualified } from '../../database/identifier.js'
import { SqlState, type ServerError } from '../../database/sql-state.js'
import { ownNamesFor, quotedSchema } from '../../persistence/own-names.js'
import { CLIENT_ID } from '../../persistence/shape.js'
import type { ProbeCode } from './explanations.js'
import { commandLine, finding, type Finding } from '../finding.js'

/** Collects the findings of a probe. Equal findings of several steps become one. */
export interface ProbeFindings {
  readonly refused: (step: string, error: ServerError) => void
  readonly swallowed: (step: string) => void
  readonly lost: (step: string, missing: number, written: number) => void
  readonly changed: (step: string, columns: readonly string[]) => void
  readonly withoutClient: (step: string, refusals: readonly ServerError[]) => void
  readonly duplicateAccepted: (step: string) => void
  readonly keyConflict: (step: string) => void
  readonly notMarked: (step: string) => void
  readonly notListed: (step: string) => void
  readonly all: () => readonly Finding<ProbeCode>[]
}

interface Place {
  readonly schema: string
  readonly user: string
}

type Words = Pick<Finding, 'expected' | 'actual' | 'help'>

export const createProbeFindings = (place: Place): ProbeFindings => {
  const found: Finding<ProbeCode>[] = []
  const add = (code: ProbeCode, step: string, words: Words, sqlState?: string): void => {
    const same = found.findIndex((one) => one.code === code && one.actual === words.actual)
    const [earlier] = same < 0 ? [] : found.splice(same, 1)
    const object = earlier === undefined ? `probe: ${step}` : `${earlier.object}; ${step}`
    found.push({ ...finding('error', code, { object, ...words }), sqlState })
  }
  const table = describeTable(place, 'ChatMessage')
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
        help: `find the trigger or rule responsible: ${table}`,
      }),
    lost: (step, missing, written) =>
      add('probe_message_lost', step, {
        expected: written === 1 ? 'the saved message' : `the ${written} saved messages`,
        actual: `${missing} of ${written} missing: a trigger deletes the row, or row-level security hides it from ${place.user}`,
        help: `find the trigger or policy responsible: ${table}`,
      }),
    changed: (step, columns) =>
      add('probe_message_changed', step, {
        expected: 'the message as it was sent',
        actual: `different values in ${columns.map(escapeIdentifier).join(', ')}: a trigger changes what is stored`,
        help: `find the trigger responsible: ${table}`,
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
              ? `find the trigger or rule responsible: ${describeTable(place, 'Client')}`
              : wayOut(error, place),
        },
        error?.code,
      )
    },
    duplicateAccepted: (step) =>
      add('probe_duplicate_accepted', step, {
        expected: 'recognised as a duplicate, nothing stored',
        actual: 'stored a second time',
        help: commandLine('verify', place),
      }),
    keyConflict: (step) =>
      add('probe_message_changed', step, {
        expected: 'recognised as a duplicate, nothing stored',
        actual: 'rejected, because the key belongs to a different message: a trigger changes what is stored',
        help: `find the trigger responsible: ${table}`,
      }),
    notMarked: (step) =>
      add('probe_not_marked_as_read', step, {
        expected: '1 message marked',
        actual: `none: a trigger or rule discards the update, or row-level security hides the row from ${place.user}`,
        help: `find the trigger, rule or policy responsible: ${table}`,
      }),
    notListed: (step) =>
      add('probe_chat_not_listed', step, {
        expected: "the guest's chat",
        actual: 'missing: a trigger changes the time or the client of the message after the insert',
        help: `find the trigger responsible: ${table}`,
      }),
    all: () => found,
  }
}

// Without the error's detail, which repeats values of the row.
const describeRefusal = ({ message, code }: ServerError): string => `rejected: ${message} [${code}]`

const describeTable = ({ schema }: Place, table: string): string => `psql -c '\\d ${qualified(schema, table)}'`

const wayOut = (error: ServerError, place: Place): string => {
  const table = escapeIdentifier(error.table ?? 'ChatMessage')
  switch (error.code) {
    case SqlState.insufficientPrivilege:
      return `${grants(place)}; or, if a row-level security policy rejects the row: psql -c '\\d ${qualified(place.schema, error.table ?? 'ChatMessage')}'`
    case SqlState.notNullViolation:
      if (error.column === CLIENT_ID.column) return commandLine('migrate', place)
      return `ALTER TABLE ${escapeIdentifier(place.schema)}.${table} ALTER COLUMN ${escapeIdentifier(error.column ?? '…')} SET DEFAULT …`
    case SqlState.sequenceGeneratorLimitExceeded:
      return `check the sequence and the type of its column: SELECT * FROM pg_sequences WHERE schemaname = '${place.schema.replaceAll("'", "''")}'`
    case SqlState.undefinedTable:
    case SqlState.undefinedColumn:
    case SqlState.undefinedObject:
    case SqlState.invalidColumnReference:
      return commandLine('migrate', place)
    default:
      return `find the constraint, trigger or rule responsible: ${describeTable(place, error.table ?? 'ChatMessage')}`
  }
}

// The privileges that the core needs, and no more.
const grants = ({ schema, user }: Place): string => {
  const role = escapeIdentifier(user)
  const on = (table: string): string => qualified(schema, table)
  const own = ownNamesFor(schema)
  return [
    `GRANT USAGE ON SCHEMA ${escapeIdentifier(schema)} TO ${role}`,
    `GRANT SELECT, INSERT, UPDATE ON ${on('ChatMessage')} TO ${role}`,
    `GRANT USAGE ON SCHEMA ${quotedSchema(own)} TO ${role}`,
    `GRANT SELECT, INSERT ON ${on('Client')}, ${own.guestClients} TO ${role}`,
    `GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${escapeIdentifier(schema)} TO ${role}`,
  ].join('; ')
}
