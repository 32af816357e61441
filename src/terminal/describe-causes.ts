import { printable } from './printable.js'

/** What PostgreSQL says of an error besides its message, in the words of psql's verbose errors. */
const FIELDS = {
  code: 'CODE',
  detail: 'DETAIL',
  hint: 'HINT',
  where: 'CONTEXT',
  internalQuery: 'QUERY',
  schema: 'SCHEMA NAME',
  table: 'TABLE NAME',
  column: 'COLUMN NAME',
  dataType: 'DATATYPE NAME',
  constraint: 'CONSTRAINT NAME',
  position: 'POSITION',
  file: 'FILE',
  line: 'LINE',
  routine: 'ROUTINE',
} as const

/** What led to an error, as lines: each cause with all that the server, or the system, said of it. */
export const describeCauses = (error: unknown): readonly string[] =>
  causesOf(error).flatMap((cause) => [
    printable(`caused by ${cause.name}: ${cause.message}`),
    ...Object.entries(FIELDS).flatMap(([field, label]) => {
      const value: unknown = Object.getOwnPropertyDescriptor(cause, field)?.value
      return typeof value === 'string' && value !== '' ? [printable(`  ${label}: ${value}`)] : []
    }),
  ])

/** The causes of an error, and theirs; of several at once, each. */
const causesOf = (error: unknown, seen: readonly unknown[] = []): readonly Error[] => {
  if (!(error instanceof Error)) return []
  const several: readonly unknown[] = error instanceof AggregateError ? error.errors : []
  return [error.cause, ...several]
    .filter((cause) => !seen.includes(cause))
    .flatMap((cause) => (cause instanceof Error ? [cause, ...causesOf(cause, [...seen, error])] : []))
}
