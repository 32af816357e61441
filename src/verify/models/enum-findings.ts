import type { CatalogColumn } from '../../database/catalog.js'
import { qualified } from '../../database/identifier.js'
import type { ApplicationSchema, ModelEnum, ModelField } from './model.js'
import type { Facts } from '../facts/facts.js'
import type { ModelCode } from './explanations.js'
import { finding, type Finding } from '../finding.js'
import { sql } from '../../next-step.js'
import { GENERATE } from './comparison.js'

/** Labels that only one side has: the ORM cannot read the ones it lacks, the database cannot store the ones it lacks. */
export const enumFindings = (
  field: ModelField,
  column: CatalogColumn,
  { enums }: ApplicationSchema,
  { catalog, schema }: Facts,
): readonly Finding<ModelCode>[] => {
  const known = enums.find(({ name }) => name === field.type)
  const labels = known === undefined ? undefined : catalog.enums.get(known.type)
  if (known === undefined || labels === undefined) return []
  const unread = labels.filter((label) => !known.labels.includes(label))
  const unstored = known.labels.filter((label) => !labels.includes(label))
  const name = `enum ${known.name} of "${column.table}"."${column.column}"`
  return [
    ...(unread.length === 0
      ? []
      : [
          at(known, 'model_enum_label_missing', {
            object: name,
            expected: `the labels of the database: ${labels.join(', ')}`,
            actual: `lacks ${unread.join(', ')}: reading a row that has it fails`,
            help: [`add to enum ${known.name}: ${unread.join(', ')}`, GENERATE],
          }),
        ]),
    ...(unstored.length === 0
      ? []
      : [
          at(known, 'model_enum_label_unknown', {
            object: name,
            expected: `the labels of the database: ${labels.join(', ')}`,
            actual: `also has ${unstored.join(', ')}: storing it fails`,
            help: sql(
              unstored.map(
                (label) => `ALTER TYPE ${qualified(schema, known.type)} ADD VALUE '${label.replaceAll("'", "''")}'`,
              ),
            ),
          }),
        ]),
  ]
}

const at = (
  { source: { file, line } }: ModelEnum,
  code: ModelCode,
  words: Pick<Finding, 'object' | 'expected' | 'actual' | 'help'>,
): Finding<ModelCode> => ({ ...finding('error', code, words), place: { file, line } })
