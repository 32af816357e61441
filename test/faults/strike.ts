import { duration } from '../../src/terminal/render.js'
import type { Evidence, Fault } from './fault.js'
import type { Stage } from './stage.js'
import { waitFor } from './wait-for.js'

/** What one strike of a fault has come to. */
export interface StrikeReport {
  readonly fault: string
  readonly evidence: readonly Evidence[]
  readonly skipped: string | undefined
  readonly strikeMs: number
  /** From its end until the first new message was stored, and until every guest had stored one; null: not within a minute. */
  readonly firstMs: number | null
  readonly allMs: number | null
}

const RECOVERY_PATIENCE_MS = 60_000

/** Lets a fault happen and waits until everybody can write again. */
export const strike = async (fault: Fault, index: number, stage: Stage): Promise<StrikeReport> => {
  const { books, progress, complain } = stage
  books.enter(index)
  const startedAt = performance.now()
  const outcome = await fault.strike(stage)
  const endedAt = performance.now()
  const recovery = 'skipped' in outcome ? NOTHING_TO_RECOVER : await recover(stage, endedAt)
  books.enter(0)
  if (recovery.allMs === null) complain(`not all guests could write within a minute after ${fault.name}`)
  const report: StrikeReport = {
    fault: fault.name,
    evidence: 'skipped' in outcome ? [] : outcome.evidence,
    skipped: 'skipped' in outcome ? outcome.skipped : undefined,
    strikeMs: endedAt - startedAt,
    ...recovery,
  }
  progress.line(describe(report))
  return report
}

const NOTHING_TO_RECOVER = { firstMs: 0, allMs: 0 }

const recover = async (stage: Stage, endedAt: number): Promise<Pick<StrikeReport, 'firstMs' | 'allMs'>> => {
  const { crowd, signal } = stage
  const waiting = new Set(crowd.writers())
  const times: { firstMs: number | null; allMs: number | null } = { firstMs: null, allMs: null }
  const stop = crowd.watch(({ person, begunAt, kept }) => {
    if (kept.id === null || begunAt < endedAt) return
    times.firstMs ??= performance.now() - endedAt
    waiting.delete(person)
    if (waiting.size === 0) times.allMs ??= performance.now() - endedAt
  })
  await waitFor(() => times.allMs !== null, signal, RECOVERY_PATIENCE_MS)
  stop()
  return times
}

const describe = ({ fault, evidence, skipped, strikeMs, firstMs, allMs }: StrikeReport): string => {
  if (skipped !== undefined) return `${fault}: skipped, ${skipped}`
  const facts = evidence.map(({ count, what }) => `${count} ${what}`).join(', ')
  const [first, all] = [firstMs, allMs].map((ms) => (ms === null ? 'never' : duration(ms)))
  return `${fault}: ${facts}; for ${duration(strikeMs)}; new messages after ${first}, from every guest after ${all}`
}
