import { createProgress } from '../../src/terminal/progress.js'
import { createRender, wantsColour } from '../../src/terminal/render.js'
import { renderError } from '../../src/terminal/error-document.js'
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

/** How long an ended run may linger on what it left behind. */
const LINGER_MS = 1_000

// A second one means it: the watchdog ends what is left.
const interruptOrLeave = (signal: 'SIGINT' | 'SIGTERM'): void => {
  if (interruption.signal.aborted) process.exit(ExitCode.interrupted)
  interrupt(signal)
}

process.on('SIGINT', () => interruptOrLeave('SIGINT'))
process.on('SIGTERM', () => interruptOrLeave('SIGTERM'))
// Of a part of a fault that nobody waited for, because another part failed first, or of one that ends the campaign in order.
process.on('unhandledRejection', (reason) => interruption.abort(reason))

const progress = createProgress(
  {
    write: (text) => void process.stderr.write(text),
    isTTY: process.stderr.isTTY,
    columns: process.stderr.columns,
  },
  { redraws: process.stderr.isTTY, width: () => process.stderr.columns },
)

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

process.exitCode = await run()
setTimeout(() => process.exit(), LINGER_MS).unref()
