import { DEFAULT_FORMAT } from '../transcripts/formats/index.js'
import type { InspectedTranscript } from '../transcripts/inspect-transcript.js'
import { count } from '../terminal/render.js'
import type { ReplayReport } from './replay.js'

/** What was requested, and what the transcript is. */
export interface FactsAbout extends Pick<InspectedTranscript, 'format' | 'truncated'> {
  readonly speed?: string | undefined
  readonly checkOnly?: true | undefined
}

/** Lines for people above the counts. */
export const describeFacts = (
  { skipped = {}, mostBehindMs = 0, resumedAt = 0, standby, alreadyThere = 0 }: ReplayReport,
  { truncated, speed, checkOnly }: FactsAbout,
): readonly string[] => {
  const kinds = Object.entries(skipped).map(([kind, count]) => `${count} ${kind}`)
  return [
    ...(checkOnly === true ? ['not checked: the order of messages, and rows that are not in the transcript'] : []),
    ...(standby === undefined ? [] : [`answered by a ${standby}`]),
    ...(truncated ? ['the transcript is truncated: it has no footer, so messages may be missing at its end'] : []),
    ...(kinds.length === 0 ? [] : [`skipped, not messages: ${kinds.join(', ')}`]),
    ...(alreadyThere === 0
      ? []
      : [`left out: ${count(alreadyThere, 'message')} of the export, still in this database`]),
    ...(resumedAt === 0 ? [] : [`resumed after line ${resumedAt}: an earlier run sent everything up to it`]),
    ...(speed === undefined || speed === 'max' ? [] : [`at most ${Math.round(mostBehindMs)} ms behind schedule`]),
  ]
}

/** The same for programs; a plain transcript at full speed adds nothing. */
export const dataOfFacts = (
  { skipped = {}, mostBehindMs = 0, resumedAt = 0, standby, alreadyThere = 0 }: ReplayReport,
  { format, truncated, speed, checkOnly }: FactsAbout,
): Readonly<Record<string, unknown>> => ({
  ...(format === DEFAULT_FORMAT ? {} : { format, truncated, skipped }),
  ...(speed === undefined ? {} : { speed, mostBehindMs: Math.round(mostBehindMs) }),
  ...(resumedAt === 0 ? {} : { resumedAt }),
  ...(alreadyThere === 0 ? {} : { alreadyThere }),
  ...(checkOnly === true ? { checkOnly } : {}),
  ...(standby === undefined ? {} : { standby }),
})
