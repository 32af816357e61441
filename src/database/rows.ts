/** The row of a query that always gives one. */
export const onlyRow = <Row>({ rows }: { readonly rows: readonly Row[] }): Row => {
  const [row] = rows
  if (row === undefined) throw new Error('a query that always gives a row gave none')
  return row
}
