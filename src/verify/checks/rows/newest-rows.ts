/**
 * SQL for the newest rows, as far as the primary key tells: those with the largest ids, and those with the largest of the
 * negative ids, with which a sequence may go on.
 */
export const newestRows = (columns: string, table: string, limit: number): string =>
  ['"id" >= 0', '"id" < 0']
    .map((half) => `(SELECT ${columns} FROM ${table} WHERE ${half} ORDER BY "id" DESC LIMIT ${limit})`)
    .join(' UNION ALL ')
