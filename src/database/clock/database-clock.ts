/** An estimate of the database's clock, from the timestamps in its answers. */
export interface DatabaseClock {
  now(): Date
  /** Notes a timestamp that the database took between two local instants, in milliseconds. */
  note(instant: Date, askedAt: number, answeredAt: number): void
}

/**
 * Starts without an offset. A message that is stored directly has the database's time, a message in the journal the time of its
 * arrival here: if the two clocks differed, messages around an outage would be read in the wrong order.
 */
export const createDatabaseClock = (): DatabaseClock => {
  let offsetMs = 0
  return {
    now: () => new Date(Date.now() + offsetMs),
    note: (instant, askedAt, answeredAt) => {
      const [least, most] = [+instant - answeredAt, +instant - askedAt]
      // The offset lies between the two; when that includes zero, it is taken to be zero.
      if (least > 0) offsetMs = least
      else offsetMs = Math.min(most, 0)
    },
  }
}
