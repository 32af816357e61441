/** A message of PostgreSQL's protocol. */
export interface WireMessage {
  readonly type: string
  readonly body: Buffer
}

/** Splits a stream into messages: one byte of type, four of length, which includes itself. A client's first has no type. */
export const readMessages = (side: 'client' | 'server'): ((bytes: Buffer) => WireMessage[]) => {
  let rest: Buffer = Buffer.alloc(0)
  let typeBytes = side === 'client' ? 0 : 1
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    const messages: WireMessage[] = []
    while (rest.length >= typeBytes + 4) {
      const end = typeBytes + rest.readInt32BE(typeBytes)
      if (rest.length < end) break
      messages.push({ type: rest.toString('latin1', 0, typeBytes), body: rest.subarray(typeBytes + 4, end) })
      rest = rest.subarray(end)
      typeBytes = 1
    }
    return messages
  }
}
