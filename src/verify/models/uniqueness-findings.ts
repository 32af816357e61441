import { findColumn, isUnique } from '../../persistence/shape.js'
import { commandLine, type Finding } from '../finding.js'
import { fieldFinding, rewrite, type Comparison } from './comparison.js'
import type { ModelCode } from './explanations.js'

/** Columns by which the application looks up a single row. */
const UNIQUE_COLUMNS: readonly (readonly [string, string])[] = [
  ['Client', 'username'],
  ['Client', 'phone'],
  ['ChatMessage', 'idempotencyKey'],
]

/** Fields that are unique in only one of the model and the database. */
export const uniquenessFindings = ({ model, facts }: Comparison): readonly Finding<ModelCode>[] =>
  UNIQUE_COLUMNS.filter(([table]) => table === model.table).flatMap(([table, column]) => {
    const field = model.fields.find((candidate) => candidate.column === column && !candidate.ignored)
    if (field === undefined || findColumn(facts.catalog, table, column) === undefined) return []
    const unique = isUnique(facts.catalog, table, column)
    if (unique === field.unique) return []
    return [
      unique
        ? fieldFinding(field, 'warning', 'model_unique_missing', model, {
            expected: '@unique, because the column is unique',
            actual:
              'not @unique: findUnique and upsert by it are not available, and npx prisma db push would drop the index',
            help: rewrite(field, `${field.source.text} @unique`),
          })
        : fieldFinding(field, 'error', 'model_unique_unfounded', model, {
            expected: 'a unique index on the column, because the model has @unique',
            actual: 'no valid unique index: upsert by it fails or creates duplicates',
            help: commandLine('migrate', facts),
          }),
    ]
  })
