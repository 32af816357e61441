import { findColumn } from '../../persistence/shape.js'
import type { Finding } from '../finding.js'
import { fieldFinding, rewrite, type Comparison } from './comparison.js'
import type { ModelCode } from './explanations.js'
import { optionalLine } from './suggested-lines.js'

/** Relations that are required although one of their columns is nullable. */
export const relationFindings = ({ model, facts }: Comparison): readonly Finding<ModelCode>[] =>
  model.relations
    .filter(({ optional, fields }) => {
      const columns = model.fields.filter(({ name }) => fields.includes(name)).map(({ column }) => column)
      return !optional && columns.some((column) => findColumn(facts.catalog, model.table, column)?.nullable === true)
    })
    .map((relation) =>
      fieldFinding(relation, 'error', 'model_field_required', model, {
        expected: `optional, because ${relation.fields.join(', ')} can be NULL`,
        actual: `required: reading a row without its ${relation.type} fails`,
        help: rewrite(relation, optionalLine(relation.source, relation.type)),
      }),
    )
