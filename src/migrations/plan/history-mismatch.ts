import { ExitCode, OperatorError } from '../../errors.js'
import { insertHistoryRow, type MigrationStatus } from '../ledger/history.js'
import type { OwnNames } from '../../persistence/own-names.js'
import { migrationTitle, type MigrationFile } from '../ledger/migration-files.js'
import { again, or, sql } from '../../next-step.js'

const MISMATCH_WORDS: Readonly<Partial<Record<MigrationStatus['state'], string>>> = {
  changed: 'the file differs from what was applied (another hash)',
  unknown: 'applied, but its file does not exist',
  gap: 'missing from the history, although a later migration is applied',
}

/** @throws OperatorError `history_mismatch` (exit 5) when files and history disagree */
export const refuseMismatch = (
  statuses: readonly MigrationStatus[],
  files: readonly MigrationFile[],
  { migrations }: OwnNames,
): void => {
  const details = statuses.flatMap((status) => {
    const words = MISMATCH_WORDS[status.state]
    return words === undefined ? [] : [`${migrationTitle(status)}: ${words}`]
  })
  if (details.length === 0) return
  const gaps = files.filter((file) => statuses.some(({ id, state }) => id === file.id && state === 'gap'))
  throw new OperatorError(
    'history_mismatch',
    `the history in the table ${migrations} does not match the migration files; nothing was changed`,
    {
      exitCode: ExitCode.refused,
      details,
      hint:
        gaps.length === details.length
          ? [
              sql(
                gaps.map((file) => insertHistoryRow(file, migrations)),
                'if the database has its effect, insert the missing row',
              ),
              again(),
            ]
          : ['use the version of chatkeep that last migrated this database', or('restore the original files')],
    },
  )
}
