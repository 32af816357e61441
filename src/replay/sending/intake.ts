/** Takes items as fast as they can be worked on. */
export interface Intake<Item> {
  /**
   * Queues an item behind the others of its name; waits while there is no room.
   * @throws the first error of the work, after which nothing more is begun
   */
  push(name: string, item: Item, weight: number): Promise<void>
  /** Begins with what was gathered, however little; absent where nothing is gathered. */
  flush?(): void
  /** Waits until all that was pushed has ended, well or not. */
  settle(): Promise<void>
  /** @throws the first error of the work, if there was one */
  throwIfFailed(): void
}
