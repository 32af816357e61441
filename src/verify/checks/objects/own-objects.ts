import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { functionState, triggerState, type ObjectState, type OwnTable } from '../../../migrations/ledger/own-objects.js'
import type { Effect } from '../../../migrations/ledger/effects.js'
import type { Explanations } from '../../explanation.js'
import { columnFindings, type ColumnCode } from './columns.js'
import { hasTable, type Facts } from '../../facts/facts.js'
import { commandLine, finding, type Finding } from '../../finding.js'
import { indexFindings, type IndexCode } from './indexes.js'
import { tableMissing } from './table-missing.js'

export const OWN_OBJECT_EXPLANATIONS = {
  trigger_missing: {
    title: 'a trigger that maintains the list of chats is missing',
    severities: ['error'],
    meaning: `Triggers on "ChatMessage" record when each chat was active, whichever program writes. Without one of
      them, the list of recent chats misses changes, and operators do not see new messages.`,
    cause: 'It was dropped by hand, dropped by a tool that knows only its own triggers, or lost in a restore.',
    remedy: 'Run chatkeep migrate. It recreates the trigger and adds what the list has missed.',
  },
  trigger_disabled: {
    title: 'a trigger that maintains the list of chats does not fire',
    severities: ['error'],
    meaning: `The trigger is disabled, or fires only for changes that replication applies. The list of recent chats
      misses everything written in the meantime.`,
    cause: 'ALTER TABLE … DISABLE TRIGGER for an import, without enabling it afterwards; or ENABLE REPLICA TRIGGER.',
    remedy: 'Run chatkeep migrate. It enables the trigger and adds what the list has missed.',
  },
  trigger_differs: {
    title: 'a trigger of chatkeep has another definition',
    severities: ['error'],
    meaning: `The trigger has the expected name but fires on other events or calls another function, so its effect on
      the list of chats is unknown.`,
    cause: 'It was changed by hand, or created by another version of chatkeep.',
    remedy: `Run chatkeep migrate. It replaces the trigger. If a newer version of chatkeep created it, use that
      version.`,
  },
  function_missing: {
    title: 'a function that maintains the list of chats is missing',
    severities: ['error'],
    meaning: `The triggers on "ChatMessage" call this function. Without it, inserts fail, or the list of chats misses
      changes.`,
    cause: 'It was dropped by hand, or a restore brought back the triggers without their functions.',
    remedy: 'Run chatkeep migrate. It recreates the function.',
  },
  function_differs: {
    title: 'a function that maintains the list of chats has another definition',
    severities: ['error'],
    meaning: `The function has the expected name but another body, runs with other privileges, or finds its tables
      through the caller's search_path. The last two are also a security risk, because it runs with the privileges of
      the tables' owner.`,
    cause: `It was changed by hand, created by another version of chatkeep, or changed by ALTER FUNCTION … SET
      search_path.`,
    remedy: `Run chatkeep migrate. It replaces the function. If a newer version of chatkeep created it, use that
      version.`,
  },
  chats_not_filled: {
    title: 'the list of chats was not filled',
    severities: ['error'],
    meaning: `The list has what was written since its triggers exist, but is not marked as containing earlier chats.
      Recent chats may miss all of those.`,
    cause: 'The migration that fills it was interrupted, or a restore or COMMENT ON TABLE removed the mark.',
    remedy: `Run chatkeep migrate. It fills the list under live traffic (measured: 3 seconds for 1.5 million
      messages).`,
  },
} as const satisfies Explanations

export type OwnObjectCode = keyof typeof OWN_OBJECT_EXPLANATIONS

type Triggers = Extract<Effect, { kind: 'triggers' }>
type Mark = Extract<Effect, { kind: 'mark' }>

/** Whether a table of chatkeep is missing, or lacks columns or indexes. */
export const ownTableFindings = (
  { name, columns, indexes }: OwnTable,
  facts: Facts,
): readonly Finding<'table_missing' | ColumnCode | IndexCode>[] => {
  const migrate = commandLine('migrate', facts)
  if (!hasTable(facts, name)) return [tableMissing(name, facts, migrate)]
  // chatkeep migrate creates what is missing. It does not alter an existing table, which may be somebody else's.
  const rename = `ALTER TABLE ${qualified(facts.schema, name)} RENAME TO ${escapeIdentifier(`${name}_old`)}; then ${migrate}`
  return [
    ...columns.flatMap((column) => columnFindings(facts, column, rename)),
    ...indexes.flatMap((index) => indexFindings(index, facts)),
  ]
}

type Fault = Exclude<ObjectState, 'ready'>

const ACTUAL: Readonly<Record<Fault, string>> = {
  missing: 'missing: the list of chats misses new messages',
  disabled: 'disabled: the list of chats misses new messages',
  differs: 'has another definition',
}

/** Whether the triggers and functions that maintain the list of chats are missing or changed. */
export const triggerFindings = ({ triggers, functions }: Triggers, facts: Facts): readonly Finding<OwnObjectCode>[] => [
  ...triggers.flatMap((wanted) => {
    const state = triggerState(facts.catalog, wanted)
    if (state === 'ready') return []
    return [
      stateFinding(TRIGGER_CODES[state], `trigger ${escapeIdentifier(wanted.name)} on "ChatMessage"`, state, facts),
    ]
  }),
  ...functions.flatMap((wanted) => {
    const state = functionState(facts.catalog, wanted)
    if (state === 'ready') return []
    return [stateFinding(FUNCTION_CODES[state], `function ${escapeIdentifier(wanted.name)}`, state, facts)]
  }),
]

const TRIGGER_CODES = {
  missing: 'trigger_missing',
  disabled: 'trigger_disabled',
  differs: 'trigger_differs',
} as const satisfies Record<Fault, OwnObjectCode>

// A function cannot be disabled.
const FUNCTION_CODES = {
  missing: 'function_missing',
  disabled: 'function_differs',
  differs: 'function_differs',
} as const satisfies Record<Fault, OwnObjectCode>

const stateFinding = (code: OwnObjectCode, object: string, state: Fault, facts: Facts): Finding<OwnObjectCode> =>
  finding('error', code, {
    object,
    expected: 'enabled, with the definition of its migration',
    actual: ACTUAL[state],
    help: commandLine('migrate', facts),
  })

/** Whether the table is marked as filled by its migration. */
export const markFindings = ({ table, comment }: Mark, facts: Facts): readonly Finding<OwnObjectCode>[] => {
  if (!hasTable(facts, table) || facts.catalog.tableComments.get(table) === comment) return []
  return [
    finding('error', 'chats_not_filled', {
      object: `table ${escapeIdentifier(table)}`,
      expected: 'filled from the messages, and marked so by its comment',
      actual: 'not marked as filled: earlier chats are missing',
      help: commandLine('migrate', facts),
    }),
  ]
}
