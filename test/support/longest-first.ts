import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take longest: started last, one of them alone would hold up the end of a run. */
export const LONG_FILES: readonly string[] = [
  'integration/database/embedded-server.test.ts',
  'integration/cli/exit-codes.test.ts',
  'integration/cli/locked-tables.test.ts',
  'integration/cli/command-line.test.ts',
  'integration/migrations/cut-anywhere.test.ts',
  'integration/verify/verify.test.ts',
  'integration/persistence/bulk-save.test.ts',
  'e2e/faults.test.ts',
  'e2e/package.test.ts',
  'e2e/bench.test.ts',
  'integration/migrations/rollback.test.ts',
  'integration/migrations/rollback-states.test.ts',
  'integration/verify/breaks.test.ts',
  'integration/migrations/migrate.test.ts',
]

/** Starts the long files first. Vitest orders the others: by the last run's durations, or by size in a clean checkout. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId }: TestSpecification): number => {
      const index = LONG_FILES.findIndex((name) => moduleId.endsWith(`/test/${name}`))
      return index === -1 ? LONG_FILES.length : index
    }
    return (await super.sort(files)).toSorted((a, b) => rankOf(a) - rankOf(b))
  }
}
