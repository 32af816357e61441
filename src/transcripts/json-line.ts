/** The JSON of a line, or why it is not JSON. */
export type JsonLine =
  { readonly value: unknown; readonly reason?: never } | { readonly value?: never; readonly reason: string }

export const parseJsonLine = (bytes: Uint8Array): JsonLine => {
  const decoded = decode(bytes)
  if (decoded === undefined) return { reason: 'is not valid UTF-8' }
  try {
    return { value: JSON.parse(decoded) as unknown }
  } catch {
    // V8's message quotes the line, which is personal data; the line number says enough.
    return { reason: 'is not valid JSON' }
  }
}

// Without `ignoreBOM`, a byte order mark is dropped: at the start of the file, and where files were joined.
const utf8 = new TextDecoder('utf-8', { fatal: true })

const decode = (bytes: Uint8Array): string | undefined => {
  try {
    return utf8.decode(bytes)
  } catch {
    // Invalid UTF-8 is the only possible error; the caller reports it.
    return undefined
  }
}
