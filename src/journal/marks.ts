/** Where in a file ends what was added by a time, in steps of time and of size. */
export interface Marks {
  /** Notes that what stands before a position was added by now. */
  add(at: number, position: number): void
  /** The position before which everything was added by a time; undefined if nothing was. */
  positionBy(at: number): number | undefined
  /** When the first of what is marked was added. */
  oldestAt(): number | undefined
  /** The first position from which on the file, which ends there, has at most these bytes. */
  positionOfLast(sizeBytes: number, end: number): number
  forgetBefore(position: number): void
}

interface Mark {
  readonly at: number
  readonly position: number
}

/** @param step two marks are at least that far apart, in time or in size, which bounds their number */
export const createMarks = (step: { readonly ms: number; readonly bytes: number }): Marks => {
  let marks: Mark[] = []
  const isNear = ({ at, position }: Mark, other: Mark | undefined): boolean =>
    other !== undefined && at - other.at < step.ms && position - other.position < step.bytes
  return {
    add: (at, position) => {
      if (isNear({ at, position }, marks.at(-2))) marks.pop()
      marks.push({ at, position })
    },
    positionBy: (at) => marks.findLast((mark) => mark.at <= at)?.position,
    oldestAt: () => marks[0]?.at,
    positionOfLast: (sizeBytes, end) => marks.find(({ position }) => end - position <= sizeBytes)?.position ?? end,
    forgetBefore: (position) => {
      marks = marks.filter((mark) => mark.position > position)
    },
  }
}
