import { DEFAULT_FORMAT } from '../transcripts/formats/index.js'
import type { InspectedTranscript } from '../transcripts/inspect-transcript.js'
import type { ReplayReport } from './replay.js'

/** What a run was asked for, and what its transcript is. */
export interface FactsAbout extends Pick<InspectedTranscript, 'format' | 'truncated'> {
  readonly speed?: string | undefined
  readonly checkOnly?: true | undefined
}

/** What people are told besides the counts. */
export const describeFacts = (
  { skipped = {}, mostBehindMs = 0, resumedAt = 0 }: ReplayReport,
  { truncated, speed, checkOnly }: FactsAbout,
): readonly string[] => {
  const kinds = Object.entries(skipped).map(([kind, count]) => `${count} ${kind}`)
  return [
    ...(checkOnly === true ? ['not looked for: the order of messages, and rows that are not in the transcript'] : []),
    ...(truncated ? ['the transcript is truncated: it has no footer, and may have gone on'] : []),
    ...(kinds.length === 0 ? [] : [`skipped, because they are no messages: ${kinds.join(', ')}`]),
    ...(resumedAt === 0 ? [] : [`resumed behind line ${resumedAt}: what is before it was sent by an earlier run`]),
    ...(speed === undefined || speed === 'max' ? [] : [`at most ${Math.round(mostBehindMs)} ms behind schedule`]),
  ]
}

/** The same for programs; a plain replay at full speed has nothing to add. */
export const dataOfFacts = (
  { skipped = {}, mostBehindMs = 0, resumedAt = 0 }: ReplayReport,
  { format, truncated, speed, checkOnly }: FactsAbout,
): Readonly<Record<string, unknown>> => ({
  ...(format === DEFAULT_FORMAT ? {} : { format, truncated, skipped }),
  ...(speed === undefined ? {} : { speed, mostBehindMs: Math.round(mostBehindMs) }),
  ...(resumedAt === 0 ? {} : { resumedAt }),
  ...(checkOnly === true ? { checkOnly } : {}),
})
