import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Client } from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'

/** Rows are handed over in pieces of about this size: one line at a time costs more than the rows do. */
const PIECE_CHARACTERS = 65_536

/** Sends lines of COPY's text format, line end included, as fast as the server takes them. @returns the number of rows */
export const copyLines = (
  client: Client,
  into: string,
  lines: Iterable<string>,
  signal: AbortSignal,
): Promise<number> => copyIn(client, into, Readable.from(inPieces(lines)), signal)

/** Sends what a stream gives in COPY's text format. @returns the number of rows */
export const copyIn = async (client: Client, into: string, source: Readable, signal: AbortSignal): Promise<number> => {
  const copy = client.query(copyFrom(`COPY ${into} FROM STDIN`))
  await pipeline(source, copy, { signal })
  return copy.rowCount
}

/** Writes the rows of a query in COPY's text format. */
export const copyOut = async (client: Client, query: string, sink: Writable, signal: AbortSignal): Promise<void> => {
  await pipeline(client.query(copyTo(`COPY (${query}) TO STDOUT`)), sink, { signal })
}

function* inPieces(lines: Iterable<string>): Generator<string> {
  let piece = ''
  for (const line of lines) {
    piece += line
    if (piece.length < PIECE_CHARACTERS) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}
