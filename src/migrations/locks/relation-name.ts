/** A relation as the parser writes it. */
export interface NamedRelation {
  readonly relname: string
  readonly schemaname?: string
}

/**
 * The name of a relation in a plan. The application's tables are written without schema; those of chatkeep's own schema are
 * qualified, and stay so.
 */
export function relationName(relation: NamedRelation): string
export function relationName(relation: Partial<NamedRelation> | undefined): string | undefined
export function relationName(relation: Partial<NamedRelation> | undefined): string | undefined {
  if (relation?.relname === undefined) return undefined
  return relation.schemaname === undefined ? relation.relname : `${relation.schemaname}.${relation.relname}`
}
