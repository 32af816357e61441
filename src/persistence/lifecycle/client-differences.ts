/** A row of "Client" by its columns. */
export type ClientRow = Readonly<Record<string, unknown>>

/** A column in which two clients differ. */
export interface ClientDifference {
  readonly column: string
  readonly from: unknown
  readonly into: unknown
}

/** Two clients always differ in these. */
const OWN_COLUMNS: readonly string[] = ['id', 'username', 'createdAt', 'updatedAt']

/** What one client has in its row that the other one has not, or has otherwise: a person decides about it. */
export const differencesOf = (from: ClientRow, into: ClientRow): readonly ClientDifference[] =>
  Object.keys(from)
    .filter((column) => !OWN_COLUMNS.includes(column) && from[column] !== null)
    .filter((column) => JSON.stringify(from[column]) !== JSON.stringify(into[column]))
    .map((column) => ({ column, from: from[column], into: into[column] }))
