import type { Progress } from '../../src/cli/progress.js'
import { duration } from '../../src/cli/render.js'
import { createRandom, randomBelow } from '../bench/random.js'
import { check, type Check } from './check.js'
import type { Fault } from './fault.js'
import type { CampaignOptions } from './options.js'
import { settle } from './settle.js'
import { withStage, type Stage } from './stage.js'
import { strike, type StrikeReport } from './strike.js'
import { waitFor } from './wait-for.js'

export interface Campaign extends Check {
  readonly options: CampaignOptions
  readonly strikes: readonly StrikeReport[]
  readonly acknowledged: number
  readonly broadcasts: number
  /** What must not be, whatever the rows say. */
  readonly problems: readonly string[]
  readonly tookMs: number
}

export interface CampaignContext {
  readonly pid: number
  readonly signal: AbortSignal
  readonly progress: Progress
}

/** Lets a crowd write while everything breaks, one thing after the other, and then looks what became of it. */
export const runCampaign = async (options: CampaignOptions, context: CampaignContext): Promise<Campaign> => {
  const startedAt = performance.now()
  const problems: string[] = []
  const complain = (problem: string): void => {
    problems.push(problem)
    context.progress.line(`PROBLEM: ${problem}`)
  }
  const campaign = await withStage({ ...context, ...options, complain }, async (stage) => {
    const strikes = await writeAndBreak(options, stage)
    await settle(stage)
    problems.push(...stage.books.refusals.map((refusal) => `refused for good: ${refusal}`))
    problems.push(...stage.servers.flatMap(({ process }) => process.unexpectedEnds()))
    const checked = await check(stage, options.faults.length)
    return {
      ...checked,
      strikes,
      acknowledged: stage.books.acknowledged(),
      broadcasts: stage.broadcasts.count(),
    }
  })
  return { ...campaign, options, problems, tookMs: performance.now() - startedAt }
}

const writeAndBreak = async (options: CampaignOptions, stage: Stage): Promise<readonly StrikeReport[]> => {
  const { crowd, progress } = stage
  const schedule = scheduleOf(options)
  const share = options.messages / schedule.length
  await crowd.start(options.guests)
  const strikes: StrikeReport[] = []
  for (const [index, fault] of schedule.entries()) {
    // In the middle of its share, so that there is load before, during and after.
    await untilAcknowledged(stage, (index + 0.5) * share)
    strikes.push(await strike(fault, options.faults.indexOf(fault) + 1, stage))
  }
  await untilAcknowledged(stage, options.messages)
  progress.line('every fault is over: the last messages are brought to their end')
  return strikes
}

/** Every fault in every round, each round in an order of its own. */
const scheduleOf = ({ faults, rounds, seed }: CampaignOptions): readonly Fault[] => {
  const random = createRandom(seed + 2)
  return Array.from({ length: rounds }, () => {
    const order = [...faults]
    for (let last = order.length - 1; last > 0; last -= 1) {
      const other = randomBelow(random, last + 1)
      const [one, two] = [order[last], order[other]]
      if (one !== undefined && two !== undefined) [order[last], order[other]] = [two, one]
    }
    return order
  }).flat()
}

/** Nobody is acknowledged anything for this long, without a fault: something hangs. */
const STALL_MS = 60_000

const untilAcknowledged = async (stage: Stage, wanted: number): Promise<void> => {
  const { books, progress, signal } = stage
  let last = { count: books.acknowledged(), at: performance.now() }
  await waitFor(
    () => {
      const count = books.acknowledged()
      const now = performance.now()
      if (count > last.count) last = { count, at: now }
      if (now - last.at > STALL_MS) throw new Error(`no message was acknowledged for ${duration(STALL_MS)}`)
      progress.status(`${count.toLocaleString('en-US')} messages acknowledged`)
      return count >= wanted
    },
    signal,
    Infinity,
  )
}
