import type { Reply } from './reply.js'

/** An event whose payload is valid. */
export interface Arrival {
  readonly event: string
  /** Whom it is for; empty when it names nobody. */
  readonly to: string
  readonly characters: number
  readonly work: () => Reply | undefined | Promise<Reply | undefined>
}
