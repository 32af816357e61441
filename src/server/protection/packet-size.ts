import { LARGE_BYTES, REST_BYTES } from '../../protocol/packet-size.js'
import { slowestTransferMs } from '../../protocol/transfer-time.js'

/** A message that is a little too large gets its named error instead of a cut connection. */
const SPARE_BYTES = 1_048_576

/** The largest messages that fit into packets of a size. */
export const maxMessageBytesIn = (packetBytes: number): number => Math.floor((packetBytes - REST_BYTES) / LARGE_BYTES)

/** The packets of a server of our own: 8 MiB by default. */
export const packetBytesFor = (maxMessageBytes: number): number => LARGE_BYTES * maxMessageBytes + SPARE_BYTES

/** Socket.IO's own default. */
const LEAST_PING_TIMEOUT_MS = 20_000

/** While a message is on its way, the answer to a ping waits behind it. */
export const pingTimeoutMsFor = (maxMessageBytes: number): number =>
  Math.max(LEAST_PING_TIMEOUT_MS, slowestTransferMs(maxMessageBytes))
