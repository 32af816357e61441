/** A relation as the parser writes it. */
export interface NamedRelation {
  readonly relname: string
  readonly schemaname?: string
}

/**
 * The name of a relation in a plan: without schema for the application's tables, qualified for chatkeep's own.
 */
export function relationName(relation: NamedRelation): string
export function relationName(relation: Partial<NamedRelation> | undefined): string | undefined
export function relationName(relation: Partial<NamedRelation> | undefined): string | undefined {
  if (relation?.relname === undefined) return undefined
  const { schemaname = '', relname } = relation
  return schemaname.startsWith('chatkeep') ? `${schemaname}.${relname}` : relname
}
