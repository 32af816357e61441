import type { Span } from './expected-output.js'

/** A place in a guide, as an editor counts it: line and column from 1. */
export interface GuidePlace {
  readonly file: string
  readonly line: number
  readonly column: number
}

export const placeOf = (file: string, { line, start }: Pick<Span, 'line' | 'start'>): GuidePlace => ({
  file,
  line: line.number,
  column: Array.from(line.source.slice(0, line.start + start)).length + 1,
})

export const describePlace = ({ file, line, column }: GuidePlace): string => `${file}:${line}:${column}`
