import { printable } from '../terminal/printable.js'
import { duration, type Render } from '../terminal/render.js'
import type { RecordedRun } from './run-history.js'

/** One line a run, the newest last, where a reader looks first. */
export const renderRunHistory = (where: string, runs: readonly RecordedRun[], render: Render): string =>
  runs.length === 0
    ? `no history: chatkeep has changed nothing in ${printable(where)} yet`
    : render.table(['began (UTC)', 'by', 'version', 'what', 'plan', 'took', 'outcome'], runs.map(toRow))

const toRow = (run: RecordedRun): readonly string[] => [
  run.startedAt.toISOString().replace('T', ' ').slice(0, 19),
  printable(run.role),
  run.version,
  `${run.command}: ${describeSteps(run.steps)}`,
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
const describeSteps = (steps: RecordedRun['steps']): string => {
  const words = steps.flatMap(({ action, migration }) => {
    const word = STEP_WORDS[action]
    return word === undefined ? [] : [{ word, counts: migration !== null }]
  })
  const sums = Array.from(new Set(words.map(({ word }) => word)), (wanted) => {
    const [first, ...others] = words.filter(({ word }) => word === wanted)
    return first?.counts === true ? `${1 + others.length} ${wanted}` : wanted
  })
  return sums.length === 0 ? 'nothing finished' : sums.join(', ')
}
