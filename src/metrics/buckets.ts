/** Length of a bucket in milliseconds; that of the window where there is only one. */
export const bucketLength = ([first, second]: readonly Date[], windowMs: number): number =>
  first === undefined || second === undefined ? windowMs : second.getTime() - first.getTime()
