/** The row of a query that always returns one. */
export const onlyRow = <Row>({ rows }: { readonly rows: readonly Row[] }): Row => {
  const [row] = rows
  if (row === undefined) throw new Error('a query that always returns a row returned none')
  return row
}

/** The first row of a query that always returns one or more. */
export const firstRow = <Row>({ rows }: { readonly rows: readonly Row[] }): Row => onlyRow({ rows: rows.slice(0, 1) })
