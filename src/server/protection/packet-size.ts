import { slowestTransferMs } from '../../protocol/transfer-time.js'

/** Room for a text with every character escaped as six, and an image, which needs no escapes. */
const LARGE_BYTES = 7

/** The other fields of a message, escaped, and the names of all. */
const REST_BYTES = 64 * 1_024

/** A message that is a little too large gets its named error instead of a cut connection. */
const SPARE_BYTES = 1_048_576

/** The smallest packets that hold each message that the server takes. */
export const leastPacketBytesFor = (maxMessageBytes: number): number => LARGE_BYTES * maxMessageBytes + REST_BYTES

/** The largest messages that fit into packets of a size. */
export const maxMessageBytesIn = (packetBytes: number): number => Math.floor((packetBytes - REST_BYTES) / LARGE_BYTES)

/** The packets of a server of our own: 8 MiB by default. */
export const packetBytesFor = (maxMessageBytes: number): number => LARGE_BYTES * maxMessageBytes + SPARE_BYTES

/** Socket.IO's own default. */
const LEAST_PING_TIMEOUT_MS = 20_000

/** While a message is on its way, the answer to a ping waits behind it. */
export const pingTimeoutMsFor = (maxMessageBytes: number): number =>
  Math.max(LEAST_PING_TIMEOUT_MS, slowestTransferMs(maxMessageBytes))
