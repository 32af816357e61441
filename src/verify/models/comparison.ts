import { finding, type Finding } from '../finding.js'
import { shell, type Next } from '../../next-step.js'
import type { Facts } from '../facts/facts.js'
import type { Severity } from '../severity.js'
import type { ModelCode } from './explanations.js'
import type { ApplicationSchema, Model, ModelField } from './model.js'

/** A model beside the facts about its table. */
export interface Comparison {
  readonly model: Model
  readonly schema: ApplicationSchema
  readonly facts: Facts
}

/** The columns of the guest-chat update that an application needs to write and read who a guest is. */
export const GUEST_COLUMNS: readonly string[] = ['guestUsername', 'guestPhone']

/** The other columns of the update, which only chatkeep writes. */
export const OTHER_UPDATE_COLUMNS: readonly string[] = ['idempotencyKey', 'guestUnverified']

/** The advice to replace the line of a field. */
export const rewrite = ({ source: { file, line } }: Pick<ModelField, 'source'>, text: string): Next => [
  `change ${file}:${line} to: ${text}`,
  GENERATE,
]

/** Makes the client of the ORM follow its models. */
export const GENERATE = shell('npx prisma generate')

/** A finding about a field, placed at its line. */
export const fieldFinding = (
  { name, source: { file, line } }: Pick<ModelField, 'name' | 'source'>,
  severity: Severity,
  code: ModelCode,
  model: Model,
  words: Pick<Finding, 'expected' | 'actual' | 'help'>,
): Finding<ModelCode> => ({
  ...finding(severity, code, { object: `model ${model.name}, field ${name}`, ...words }),
  place: { file, line },
})
