import type { OwnNames } from '../../persistence/own-names.js'
import { draftSteps, type DraftOptions, type DraftStep } from './draft-steps.js'
import type { MigrationPlan } from './plan.js'
import { draftPhase } from './rollback-phases.js'

/** The title of the step that creates or repairs chatkeep's own schema. */
export const ownSchemaTitle = ({ schema }: OwnNames): string => `schema ${schema}`

/** The statements of a migrate: first those on chatkeep's own schema, then one step for each migration. */
export const draftPlan = async (
  { own, steps }: MigrationPlan,
  names: OwnNames,
  options: DraftOptions,
): Promise<readonly DraftStep[]> => [
  ...(own.length === 0
    ? []
    : [await draftPhase({ title: ownSchemaTitle(names), reason: '', inTransaction: true, statements: own })]),
  ...(await draftSteps(steps, options)),
]
