import type { Campaign } from './campaign.js'

export type Verdict = 'passed' | 'failed' | 'unknown'

export interface Judgement {
  readonly verdict: Verdict
  readonly reasons: readonly string[]
}

/** Passed is only what was seen to be well: a fault that did not happen, or a table that was not read, proves nothing. */
export const judgementOf = (campaign: Campaign): Judgement => {
  const { findings, problems, tallies } = campaign
  const failures = [
    ...(findings.count === 0 ? [] : [`${findings.count} findings`]),
    ...(problems.length === 0 ? [] : [`${problems.length} problems`]),
    ...(tallies.some(({ info }) => info > 0) ? ['messages that were never answered'] : []),
  ]
  if (failures.length > 0) return { verdict: 'failed', reasons: failures }
  const doubts = [
    ...campaign.options.faults.map(({ name }) => name).filter((name) => !hasHappened(campaign, name)),
    ...(campaign.rows < campaign.acknowledged ? ['fewer rows were read than messages acknowledged'] : []),
    ...(campaign.crossings.some(({ heard }) => heard === 0)
      ? ['an operator heard nothing of the guests of the other server']
      : []),
    ...(campaign.broadcasts === 0 ? ['no broadcast was heard'] : []),
  ]
  return doubts.length > 0 ? { verdict: 'unknown', reasons: doubts } : { verdict: 'passed', reasons: [] }
}

const hasHappened = ({ strikes }: Campaign, name: string): boolean => {
  const own = strikes.filter(({ fault }) => fault === name)
  return own.length > 0 && (own.every(({ skipped }) => skipped !== undefined) || own.some(isSeen))
}

/** Whether every kind of evidence was found. */
export const isSeen = ({ evidence }: Campaign['strikes'][number]): boolean =>
  evidence.length > 0 && evidence.every(({ count }) => count > 0)
