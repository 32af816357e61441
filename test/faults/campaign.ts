import type { Progress } from '../../src/terminal/progress.js'
import { duration } from '../../src/terminal/render.js'
import { check, type Check } from './check.js'
import type { CampaignOptions } from './options.js'
import type { Crossing } from './crowd.js'
import { scheduleOf, seedOfStrike } from './schedule.js'
import { settle } from './settle.js'
import { chanceOf, withStage, type Stage } from './stage.js'
import { strike, type StrikeReport } from './strike.js'
import { waitFor } from './wait-for.js'

export interface Campaign extends Check {
  readonly options: CampaignOptions
  readonly strikes: readonly StrikeReport[]
  readonly acknowledged: number
  readonly broadcasts: number
  readonly toldTwice: number
  /** What operators were told of guests of the other server, by operator. */
  readonly crossings: readonly Crossing[]
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
      toldTwice: stage.broadcasts.countHeardTwice(),
      crossings: stage.crowd.crossings(),
    }
  })
  return { ...campaign, options, problems, tookMs: performance.now() - startedAt }
}

/** Of the messages, so many are written between the faults; during them it is as many as time and the faults let through. */
const CALM_SHARE = 0.6

const writeAndBreak = async (options: CampaignOptions, stage: Stage): Promise<readonly StrikeReport[]> => {
  const { crowd, progress } = stage
  const schedule = scheduleOf(options)
  const share = (options.messages * CALM_SHARE) / schedule.length
  await crowd.start(options.guests)
  const strikes: StrikeReport[] = []
  for (const [index, fault] of schedule.entries()) {
    await untilAcknowledged(stage, stage.books.acknowledged() + share)
    const own = { ...stage, ...chanceOf(seedOfStrike(options.seed, index), stage.signal) }
    strikes.push(await strike(fault, options.faults.indexOf(fault) + 1, own))
  }
  await untilAcknowledged(stage, options.messages)
  progress.line('every fault is over: the last messages are brought to their end')
  return strikes
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
