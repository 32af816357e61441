import { createProgress } from '../../src/cli/progress.js'
import { createRender, wantsColour } from '../../src/cli/render.js'
import { renderError } from '../../src/cli/report-error.js'
import { ExitCode, OperatorError } from '../../src/errors.js'
import { runCampaign, type Campaign } from './campaign.js'
import { parseOptions } from './options.js'
import { renderReport } from './render-report.js'
import { judgementOf, type Judgement, type Verdict } from './verdict.js'

const interruption = new AbortController()

const interrupt = (signal: 'SIGINT' | 'SIGTERM'): void => {
  const exitCode = signal === 'SIGINT' ? ExitCode.interrupted : ExitCode.terminated
  interruption.abort(new OperatorError('interrupted', `ended by ${signal}`, { exitCode }))
}

process.on('SIGINT', () => interrupt('SIGINT'))
process.on('SIGTERM', () => interrupt('SIGTERM'))

const progress = createProgress({
  write: (text) => void process.stderr.write(text),
  isTTY: process.stderr.isTTY,
  columns: process.stderr.columns,
})

const EXIT_CODES: Readonly<Record<Verdict, number>> = {
  passed: ExitCode.done,
  failed: ExitCode.no,
  unknown: ExitCode.busy,
}

const run = async (): Promise<number> => {
  const { signal } = interruption
  try {
    const options = parseOptions(process.argv.slice(2), (text) => void process.stdout.write(text))
    if (options === null) return ExitCode.done
    progress.line(`seed ${options.seed}: repeat it with --seed ${options.seed}`)
    const campaign = await runCampaign(options, { pid: process.pid, signal, progress })
    const judgement = judgementOf(campaign)
    progress.line(`most memory of this process: ${Math.round(process.resourceUsage().maxRSS / 1_024)} MB`)
    print(campaign, judgement)
    return EXIT_CODES[judgement.verdict]
  } catch (error) {
    const reason: unknown = signal.aborted ? signal.reason : error
    progress.clear()
    process.stderr.write(renderError(reason, createRender(false)))
    return reason instanceof OperatorError ? reason.exitCode : ExitCode.no
  }
}

const print = (campaign: Campaign, judgement: Judgement): void => {
  progress.clear()
  if (campaign.options.json) {
    const { tallies, options, ...rest } = campaign
    const names = ['none', ...options.faults.map(({ name }) => name)]
    const faults = tallies.map((tally, index) => ({ fault: names[index], ...tally }))
    process.stdout.write(`${JSON.stringify({ ...judgement, seed: options.seed, faults, ...rest }, null, 2)}\n`)
    return
  }
  const colour = wantsColour({ isTTY: process.stdout.isTTY, env: process.env, flag: true })
  process.stdout.write(`${renderReport(campaign, judgement, createRender(colour))}\n`)
}

/** How long an ended run may linger on what it left behind. */
const LINGER_MS = 1_000

process.exitCode = await run()
setTimeout(() => process.exit(), LINGER_MS).unref()
