/** Room for a text with every character escaped as six, and an image, which needs no escapes. */
export const LARGE_BYTES = 7

/** The other fields of a message, escaped, and the names of all. */
export const REST_BYTES = 64 * 1_024

/** The smallest packets that hold each message that a server takes; it ends a connection that sends larger ones than its own. */
export const leastPacketBytesFor = (maxMessageBytes: number): number => LARGE_BYTES * maxMessageBytes + REST_BYTES
