/** Takes items as fast as they can be processed. */
export interface Intake<Item> {
  /**
   * Queues an item after the others of its name; waits while the queue is full.
   * @throws the first error of the work, after which no more work begins
   */
  push(name: string, item: Item, weight: number): Promise<void>
  /** Begins with what has gathered; absent when items are not gathered. */
  flush?(): void
  /** Waits until every pushed item has succeeded or failed. */
  settle(): Promise<void>
  /** @throws the first error of the work, if there was one */
  throwIfFailed(): void
}
