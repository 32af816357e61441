import { createRender } from '../../terminal/render.js'
import { BASE_MIGRATION } from '../ledger/migration-names.js'
import type { PriceTag } from '../plan/price-tag.js'
import { renderPriceTag } from '../plan/screens/render-price-tag.js'
import type { RollbackChoice } from '../prepare-rollback.js'
import { ALL_OR_NOTHING, CHECKS, headComments, seconds, WAITS_FOR_LOCKS, type HeadSubject } from './head.js'

/** The facts in the head of the script of a rollback. */
export interface RollbackSubject extends HeadSubject {
  /** The command that made it, up to its form. */
  readonly madeBy: string
  readonly choice: RollbackChoice
  readonly isNeeded: boolean
  /** Whether it archives messages, and so locks the tables. */
  readonly archives: boolean
  readonly price: PriceTag
}

/** Comments that say what the script is for, what it costs, how to run it, and who waits meanwhile. */
export const rollbackHead = (subject: RollbackSubject): string => {
  const { madeBy, choice, isNeeded, price } = subject
  return headComments(
    madeBy,
    subject,
    isNeeded
      ? [...renderPriceTag(price, choice, createRender(false)).split('\n'), ...howToRun(subject)]
      : ['Nothing to run: there is nothing to roll back.'],
  )
}

const howToRun = (subject: RollbackSubject): readonly string[] => [
  'Deploy the old version of the application first. Before you run it, check that this still prints that hash:',
  `  ${subject.commandFor(subject.madeBy.replace(' --sql', ' --dry-run'))}`,
  ...(subject.choice.to === BASE_MIGRATION
    ? [`Afterwards, run: ${subject.commandFor('verify --expect rolled-back')}`]
    : []),
  ...(subject.form === 'statements' ? statementLines(subject) : transactionLines(subject)),
  CHECKS,
]

const lockLines = ({ archives, estimatedMs }: RollbackSubject, until: string): readonly string[] =>
  archives
    ? [
        `WARNING: nobody else reads or writes "ChatMessage" and "Client" ${until}: so no`,
        `message is written that the archive lacks. Estimated: ${seconds(estimatedMs)}. chatkeep rollback does not need this.`,
      ]
    : []

const statementLines = (subject: RollbackSubject): readonly string[] => [
  'Run it in one session, connected to the server directly, not through a pooler:',
  '  psql -v ON_ERROR_STOP=1 -f rollback.sql',
  'Indexes are dropped one by one, while others write. What moves data is one transaction.',
  ...lockLines(subject, 'during that transaction'),
  'DROP INDEX CONCURRENTLY cannot run in a transaction. For psql -1, or an editor that opens a transaction:',
  `  ${subject.commandFor(`${subject.madeBy} transaction`)}`,
  'After any error, generate the script of the remaining steps:',
  `  ${subject.commandFor(`${subject.madeBy} statements`)}`,
]

const transactionLines = (subject: RollbackSubject): readonly string[] => [
  ALL_OR_NOTHING,
  ...lockLines(subject, 'until the COMMIT'),
  WAITS_FOR_LOCKS,
]
