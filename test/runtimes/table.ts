/** One thing that was tried. */
export interface Row {
  readonly row: string
  readonly column: string
  readonly code: number | null
  readonly output: string
}

/** A table in Markdown. */
export const renderTable = (corner: string, rows: readonly Row[]): string => {
  const columns = [...new Set(rows.map(({ column }) => column))]
  const names = [...new Set(rows.map(({ row }) => row))]
  const cell = (name: string, column: string): string => {
    const found = rows.find((one) => one.row === name && one.column === column)
    if (found === undefined) return '–'
    return found.code === 0 ? 'ok' : `FAILS (${found.code ?? 'no exit code'})`
  }
  const lines = [
    [corner, ...columns],
    ['', ...columns].map(() => '---'),
    ...names.map((name) => [name, ...columns.map((column) => cell(name, column))]),
  ]
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n')
}

/** What the failed ones printed. */
export const renderFailures = (rows: readonly Row[]): string =>
  rows
    .filter(({ code }) => code !== 0)
    .map(({ row, column, code, output }) => `\n${row}, ${column}: exit code ${code}\n${output.trim().slice(-2_000)}`)
    .join('\n')
