/** Which page of a history or list to read, in the terms of the core. */
export interface Page {
  readonly before: string | undefined
  readonly limit: number | undefined
  readonly maxBytes: number
}

/** Less than `maxUnreadCharacters`: a client that reads page by page never counts as a slow reader. */
export const MAX_PAGE_BYTES = 4 * 1_048_576

interface PagePayload {
  readonly before?: string | null | undefined
  readonly limit?: number | null | undefined
}

/** The page that a payload asks for. */
export const pageOf = ({ before, limit }: PagePayload): Page => ({
  before: before ?? undefined,
  limit: limit ?? undefined,
  maxBytes: MAX_PAGE_BYTES,
})
