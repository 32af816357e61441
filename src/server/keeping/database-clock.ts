/** Tells instants as the database's clock does, as far as its answers show. */
export interface DatabaseClock {
  now(): Date
  /** Notes an instant that the database has made between two instants here, in milliseconds. */
  note(instant: Date, askedAt: number, answeredAt: number): void
}

/**
 * What is stored directly has the database's time, what waits in the journal that of its arrival here: where the two clocks
 * differ, the messages around an outage would be read in a wrong order.
 */
export const createDatabaseClock = (): DatabaseClock => {
  let offsetMs = 0
  return {
    now: () => new Date(Date.now() + offsetMs),
    note: (instant, askedAt, answeredAt) => {
      const [least, most] = [+instant - answeredAt, +instant - askedAt]
      // Between the two lies the difference; where it may be none, there is none.
      if (least > 0) offsetMs = least
      else offsetMs = Math.min(most, 0)
    },
  }
}
