import { createFragmentJoiner } from './fragments.js'
import { SEAL_BYTES, type Seal } from './sealed-text.js'

/** What both directions of the servers' channel need. */
export interface ChannelEnd {
  /** Names this server; letters and digits. */
  readonly self: string
  readonly seal: Seal
}

/** PostgreSQL accepts payloads below 8,000 bytes: the sender's name, a space, and base64. */
const SEALED_BYTES = 5_900

/** Counter and time as doubles, index and count of the fragment as unsigned integers. */
const HEADING_BYTES = 24

const FRAGMENT_BYTES = SEALED_BYTES - SEAL_BYTES - HEADING_BYTES

/**
 * Splits texts into payloads. Each is sealed by itself, with its sender, a counter, and the time: nobody without the secret
 * can make, change or move one, or show it again.
 * @returns takes a text and the database's time, which is the same for all servers, whatever their machines say
 */
export const createPacketWriter = ({
  self,
  seal,
}: ChannelEnd): ((text: string, nowMs: number) => readonly string[]) => {
  let counter = 0
  return (text, nowMs) => {
    const bytes = Buffer.from(text)
    const count = Math.max(1, Math.ceil(bytes.length / FRAGMENT_BYTES))
    return Array.from({ length: count }, (_, index) => {
      counter += 1
      const bytesOfPart = bytes.subarray(index * FRAGMENT_BYTES, (index + 1) * FRAGMENT_BYTES)
      const packet = toBytes({ counter, timeMs: nowMs, index, count, bytes: bytesOfPart })
      return `${self} ${seal.close(packet, self)}`
    })
  }
}

/** Packets whose time differs by more from the database's clock are dropped. */
export const MAX_AGE_MS = 60_000

/** More servers than share one database; bounds what is remembered of them. */
const MAX_SENDERS = 256

const PAYLOAD = /^(\w{1,64}) ([\w+/=]+)$/

/**
 * Takes a payload; returns the whole text with its last fragment. What is not sealed for this channel is reported and never
 * kept; packets that are stale, or not newer than the last of their sender, are dropped.
 */
export const createPacketReader = (
  { self, seal, maxMessageBytes }: ChannelEnd & { readonly maxMessageBytes: number },
  onStranger: (sender: string) => void,
): ((payload: string, nowMs: number) => string | undefined) => {
  const newest = new Map<string, { readonly counter: number; readonly timeMs: number }>()
  const join = createFragmentJoiner(maxMessageBytes)

  // A sender may be forgotten when all that it has sent is stale.
  const forgetStale = (nowMs: number): void => {
    for (const [sender, { timeMs }] of newest) if (nowMs - timeMs > MAX_AGE_MS) newest.delete(sender)
  }
  const isNew = (sender: string, { counter, timeMs }: Packet, nowMs: number): boolean => {
    if (Math.abs(nowMs - timeMs) > MAX_AGE_MS) return false
    const last = newest.get(sender)
    if (last === undefined) forgetStale(nowMs)
    if (last === undefined ? newest.size >= MAX_SENDERS : counter <= last.counter) return false
    newest.set(sender, { counter, timeMs: Math.max(timeMs, last?.timeMs ?? timeMs) })
    return true
  }

  return (payload, nowMs) => {
    const [, sender, sealed] = PAYLOAD.exec(payload) ?? []
    if (sender === undefined || sealed === undefined || sender === self) return undefined
    const packet = toPacket(seal.open(sealed, sender))
    if (packet === undefined) {
      onStranger(sender)
      return undefined
    }
    return isNew(sender, packet, nowMs) ? join({ sender, ...packet }) : undefined
  }
}

interface Packet {
  readonly counter: number
  readonly timeMs: number
  readonly index: number
  readonly count: number
  readonly bytes: Buffer
}

const toBytes = ({ counter, timeMs, index, count, bytes }: Packet): Buffer => {
  const heading = Buffer.alloc(HEADING_BYTES)
  heading.writeDoubleBE(counter, 0)
  heading.writeDoubleBE(timeMs, 8)
  heading.writeUInt32BE(index, 16)
  heading.writeUInt32BE(count, 20)
  return Buffer.concat([heading, bytes])
}

const toPacket = (opened: Buffer | undefined): Packet | undefined =>
  opened === undefined || opened.length < HEADING_BYTES
    ? undefined
    : {
        counter: opened.readDoubleBE(0),
        timeMs: opened.readDoubleBE(8),
        index: opened.readUInt32BE(16),
        count: opened.readUInt32BE(20),
        bytes: opened.subarray(HEADING_BYTES),
      }
