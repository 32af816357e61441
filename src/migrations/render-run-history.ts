import { printable } from '../terminal/printable.js'
import { count, duration, type Render } from '../terminal/render.js'
import type { RecordedRun } from './run-history.js'

/**
 * One line a run, the newest last, where a reader looks first; then why runs failed.
 * @param header says which database is meant
 */
export const renderRunHistory = (header: string, runs: readonly RecordedRun[], render: Render): string =>
  runs.length === 0
    ? [header, '', 'no history: chatkeep has changed nothing here yet'].join('\n')
    : [
        header,
        '',
        render.table(['began (UTC)', 'by', 'version', 'what', 'plan', 'took', 'outcome'], runs.map(toRow)),
        ...runs.flatMap(reasonLines),
      ].join('\n')

const reasonLines = (run: RecordedRun): readonly string[] => {
  if (run.error === null) return []
  const { code, sqlState, message } = run.error
  return ['', printable(`${began(run)} ${run.outcome}: ${message ?? code}${sqlState === null ? '' : ` [${sqlState}]`}`)]
}

const began = ({ startedAt }: RecordedRun): string => startedAt.toISOString().replace('T', ' ').slice(0, 19)

const toRow = (run: RecordedRun): readonly string[] => [
  began(run),
  printable(run.role),
  run.version,
  run.command === 'erase' || run.command === 'retain'
    ? `${run.command}: in the archive`
    : `${run.command}: ${describeSteps(run)}`,
  run.planHash ?? '',
  run.durationMs === null ? '' : duration(run.durationMs),
  run.outcome,
]

const STEP_WORDS: Readonly<Record<string, string>> = {
  apply: 'applied',
  record: 'recorded',
  repair: 'repaired',
  'roll back': 'undone',
  archive: 'archived',
  restore: 'restored',
}

/** `13 applied, 1 recorded`. */
const describeSteps = ({ steps, archivedMessages }: RecordedRun): string => {
  const words = steps.flatMap(({ action, migration }) => {
    const word = STEP_WORDS[action]
    return word === undefined ? [] : [{ word, counts: migration !== null }]
  })
  const sums = Array.from(new Set(words.map(({ word }) => word)), (wanted) => {
    const [first, ...others] = words.filter(({ word }) => word === wanted)
    return first?.counts === true ? `${1 + others.length} ${wanted}` : wanted
  })
  const all = [...sums, ...(archivedMessages ? [`${count(archivedMessages, 'message')} archived`] : [])]
  return all.length === 0 ? 'nothing finished' : all.join(', ')
}
