/** The slowest line on which a message of any size arrives: 420 kbit/s. */
const SLOWEST_BYTES_PER_SECOND = 52_428.8

/** How long so many bytes are on their way on the slowest line, in milliseconds: 20 s for 1 MiB. */
export const slowestTransferMs = (bytes: number): number => Math.ceil((bytes / SLOWEST_BYTES_PER_SECOND) * 1_000)
