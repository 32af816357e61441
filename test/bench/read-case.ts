/** One kind of call; each call is about another contact or place. */
export interface ReadCase {
  readonly title: string
  readonly call: () => Promise<unknown>
  /** Calls, those of the warm-up included, after which there is nothing left to do; endless when absent. */
  readonly mostCalls?: number
  /** What the calls came to, for the table. */
  readonly note?: () => string
}
