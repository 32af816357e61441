import { escapeIdentifier } from '../../database/identifier.js'
import type { FactCheck } from '../check.js'
import { ALWAYS } from '../expectation.js'
import { hasTable, type Facts } from '../facts/facts.js'
import { finding, type Finding } from '../finding.js'
import { MODEL_EXPLANATIONS, type ModelCode } from './explanations.js'
import { fieldFindings } from './field-findings.js'
import { indexFindings } from './index-findings.js'
import { missingFieldFindings } from './missing-fields.js'
import type { ApplicationSchema } from './model.js'
import { relationFindings } from './relation-findings.js'
import { uniquenessFindings } from './uniqueness-findings.js'
import { or, shell } from '../../next-step.js'

/** Tables that the application writes through its models. It only reads the others. */
const WRITTEN_TABLES: readonly string[] = ['ChatMessage', 'Client']
const READ_TABLES: readonly string[] = ['User']

/** Do the models of the application's ORM fit the tables of the chat? Where they do not, the application fails even if the database is sound. */
export const applicationModels = (schema: ApplicationSchema): FactCheck<ModelCode> => ({
  name: 'application-schema',
  expectations: ALWAYS,
  needs: { ChatMessage: [], Client: [] },
  findings: (facts) =>
    [...WRITTEN_TABLES, ...READ_TABLES]
      .filter((table) => hasTable(facts, table))
      .flatMap((table) => tableFindings(table, schema, facts)),
  explanations: MODEL_EXPLANATIONS,
})

const tableFindings = (table: string, schema: ApplicationSchema, facts: Facts): readonly Finding<ModelCode>[] => {
  const model = schema.models.find((one) => one.table === table && (one.schema ?? facts.schema) === facts.schema)
  if (model === undefined) return WRITTEN_TABLES.includes(table) ? [modelMissing(table, schema)] : []
  const comparison = { model, schema, facts }
  return [
    ...model.fields.filter(({ ignored }) => !ignored).flatMap((field) => fieldFindings(field, comparison)),
    ...relationFindings(comparison),
    ...(WRITTEN_TABLES.includes(table) ? missingFieldFindings(comparison) : []),
    ...uniquenessFindings(comparison),
    ...(WRITTEN_TABLES.includes(table) ? indexFindings(comparison) : []),
  ]
}

const modelMissing = (table: string, { path }: ApplicationSchema): Finding<ModelCode> =>
  finding('warning', 'model_missing', {
    object: `table ${escapeIdentifier(table)}`,
    expected: `a model in ${path}`,
    actual: 'none: the application cannot use the table through its ORM',
    help: [
      shell('npx prisma db pull'),
      or(`add the model to ${path}; a model with another name needs @@map(${JSON.stringify(table)})`),
    ],
  })
