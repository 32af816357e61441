import { escapeIdentifier } from '../../database/identifier.js'
import { EFFECTS } from '../../migrations/ledger/effects.js'
import type { Facts } from '../facts/facts.js'
import { finding, type Finding } from '../finding.js'
import { rewrite, type Comparison } from './comparison.js'
import type { ModelCode } from './explanations.js'
import { blockLine, isUnseen, sameShape, shapeDeclared, shapeOf, type IndexShape } from './index-shapes.js'
import { chatkeep } from '../../next-step.js'
import type { Model, ModelIndex, Source } from './model.js'

interface Declared {
  readonly index: ModelIndex
  readonly shape: IndexShape
}

/** Indexes of several columns, or not unique, that only one side has or that differ; the others are compared with their fields. */
export const indexFindings = (comparison: Comparison): readonly Finding<ModelCode>[] => {
  const { model } = comparison
  return [
    ...missingIndexes(comparison).map((index) => indexMissing(index, model)),
    ...declaredIn(model)
      .filter(({ shape }) => !isOfField(shape))
      .flatMap((one) => declaredFindings(one, comparison)),
  ]
}

const declaredIn = (model: Model): readonly Declared[] =>
  model.indexes.map((index) => ({ index, shape: shapeDeclared(index, model) }))

const missingIndexes = ({ model, facts }: Comparison): readonly IndexShape[] =>
  indexesOf(model.table, facts).filter(
    (index) => !isOfField(index) && !declaredIn(model).some(({ shape }) => shape.name === index.name),
  )

const indexesOf = (wanted: string, { catalog, integrity }: Facts): readonly IndexShape[] =>
  catalog.indexes
    .filter(({ table, name, valid }) => table === wanted && valid && !integrity.primaryKeys.includes(name))
    .flatMap((index) => shapeOf(index) ?? [])

/** Columns of the indexes that the model should declare, for which it needs fields. */
export const indexedColumns = ({ model, facts }: Comparison): readonly string[] =>
  indexesOf(model.table, facts)
    .filter((index) => !isOfField(index))
    .flatMap(({ columns }) => columns.map(({ name }) => name))

const isOfField = ({ unique, columns }: IndexShape): boolean => unique && columns.length === 1

const declaredFindings = (declared: Declared, comparison: Comparison): readonly Finding<ModelCode>[] => {
  const { model, facts } = comparison
  const found = facts.catalog.indexes.find(({ table, name }) => table === model.table && name === declared.shape.name)
  if (found === undefined) return [indexUnknown(declared, comparison)]
  if (isUnseen(found)) return [indexUnseen(declared, model)]
  const shape = shapeOf(found)
  return shape === undefined || sameShape(shape, declared.shape) ? [] : [indexDiffers(shape, declared, model)]
}

const indexMissing = (index: IndexShape, model: Model): Finding<ModelCode> =>
  indexFinding('warning', 'model_index_missing', index, model, model.source, {
    expected: 'declared in the model, because the database has it',
    actual: 'not declared: npx prisma db push would drop the index',
    help: `add to model ${model.name}: ${blockLine(index, model)}`,
  })

const indexUnknown = ({ index: { source }, shape }: Declared, { model }: Comparison): Finding<ModelCode> =>
  indexFinding('note', 'model_index_unknown', shape, model, source, {
    expected: 'in the database, because the model declares it',
    actual: 'missing: npx prisma db push would build it, and block writes meanwhile',
    help: isOurs(shape.name)
      ? chatkeep('migrate')
      : `remove ${source.file}:${source.line}, or build the index first with CREATE INDEX CONCURRENTLY`,
  })

const indexDiffers = (index: IndexShape, { index: { source }, shape }: Declared, model: Model): Finding<ModelCode> =>
  indexFinding('warning', 'model_index_differs', shape, model, source, {
    expected: blockLine(index, model),
    actual: `${blockLine(shape, model)}: npx prisma db push would replace the index, and block writes meanwhile`,
    help: rewrite({ source }, blockLine(index, model)),
  })

const indexUnseen = ({ index: { source }, shape }: Declared, model: Model): Finding<ModelCode> =>
  indexFinding('warning', 'model_index_differs', shape, model, source, {
    expected: 'not declared, because the index in the database is partial or on an expression',
    actual: 'declared: npx prisma db push fails, because it does not see that index and builds another of this name',
    help: `remove ${source.file}:${source.line}`,
  })

const isOurs = (name: string): boolean =>
  EFFECTS.some(({ effect }) => effect.kind === 'index' && effect.index.name === name)

const indexFinding = (
  severity: Finding['severity'],
  code: ModelCode,
  { name }: IndexShape,
  model: Model,
  { file, line }: Source,
  words: Pick<Finding, 'expected' | 'actual' | 'help'>,
): Finding<ModelCode> => ({
  ...finding(severity, code, { object: `model ${model.name}, index ${escapeIdentifier(name)}`, ...words }),
  place: { file, line },
})
