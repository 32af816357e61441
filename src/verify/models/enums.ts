import type { CatalogColumn } from '../../database/catalog.js'
import { qualified } from '../../database/identifier.js'
import type { ApplicationSchema, ModelEnum, ModelField } from './model.js'
import type { Facts } from '../facts/facts.js'
import type { FindingCode } from '../codes.js'
import { finding, type Finding } from '../finding.js'

/** Where labels of an enum are known to one side only: what the ORM does not know it cannot read, what the database does not know it cannot store. */
export const enumFindings = (
  field: ModelField,
  column: CatalogColumn,
  { enums }: ApplicationSchema,
  { catalog, schema }: Facts,
): readonly Finding[] => {
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
            actual: `without ${unread.join(', ')}: reading a row that has it fails`,
            help: `add to enum ${known.name}: ${unread.join(', ')}; then npx prisma generate`,
          }),
        ]),
    ...(unstored.length === 0
      ? []
      : [
          at(known, 'model_enum_label_unknown', {
            object: name,
            expected: `the labels of the database: ${labels.join(', ')}`,
            actual: `also ${unstored.join(', ')}: storing it fails`,
            help: unstored
              .map((label) => `ALTER TYPE ${qualified(schema, known.type)} ADD VALUE '${label.replaceAll("'", "''")}'`)
              .join('; '),
          }),
        ]),
  ]
}

const at = (
  { source: { file, line } }: ModelEnum,
  code: FindingCode,
  words: Pick<Finding, 'object' | 'expected' | 'actual' | 'help'>,
): Finding => ({ ...finding('error', code, words), place: { file, line } })
