import { columnDifference, findColumn, plainType, type RequiredColumn } from '../../../persistence/shape.js'
import type { FindingCode } from '../../codes.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'

/** What is wrong with one column: missing, of another type, or nullable where it must not be and the other way round. */
export const columnFindings = (
  { catalog }: Pick<Facts, 'catalog'>,
  wanted: RequiredColumn,
  help: string,
): readonly Finding[] => {
  const difference = columnDifference(catalog, wanted)
  if (difference === undefined) return []
  const actual = findColumn(catalog, wanted.table, wanted.column)
  return [finding('error', codeOf(wanted, actual?.type), { ...difference, help })]
}

const codeOf = ({ types }: RequiredColumn, actualType: string | undefined): FindingCode => {
  if (actualType === undefined) return 'column_missing'
  return types.includes(plainType(actualType)) ? 'column_nullability' : 'column_type'
}
