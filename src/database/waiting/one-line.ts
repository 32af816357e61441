/** How much of a statement is looked at for its name. */
const NAMED_BY = 2_000

/** The text of a statement on one line, without comments; of a long one, its beginning. */
export const oneLine = (sql: string): string =>
  sql.slice(0, NAMED_BY).replaceAll(/--.*$/gm, '').trim().replaceAll(/\s+/g, ' ')
