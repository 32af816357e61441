import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option, type OptionValues } from '@commander-js/extra-typings'
import { parseDurationBetween } from '../cli/duration.js'
import { inUnits, parseByteSize, parseByteSizeBetween } from '../cli/byte-size.js'
import type { CommandContext, Run } from '../cli/command.js'
import { COMMAND_GROUPS, parseWholeNumber, withDatabaseFlags, type DatabaseFlags } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'
import { OperatorError } from '../errors.js'
import { DEFAULT_DISCONNECT_GRACE_MS, DEFAULT_HOST, DEFAULT_PORT } from '../server/defaults.js'
import { TRANSPORTS } from '../server/http/explain-refusals.js'
import { LIMITS, type GivenLimits, type Limit } from '../server/protection/limits.js'
import { publicOrigin } from '../server/protection/own-hosts.js'
import { parseWebOrigin } from '../server/protection/web-origins.js'
import type { AddedOperator, MetricsAddress, ServeTargets } from '../server/serve.js'
import type { Answer } from '../terminal/answer.js'

/** The log level where none is named. */
const LOG_LEVELS = { quiet: 'error', normal: undefined, verbose: 'debug' } as const

const limitOption = ({ flag, help, unit, least, most, default: value }: Limit): Option => {
  const [argument, usual, parse] = {
    count: ['number', value, parseWholeNumber(least, most)] as const,
    bytes: ['size', inUnits(value), parseByteSizeBetween(least, most)] as const,
    ms: ['duration', `${value / 1_000}s`, parseDurationBetween(`${least}ms`, `${most}ms`)] as const,
  }[unit]
  return new Option(`${flag} <${argument}>`, `${help} (default: ${usual})`).argParser(parse)
}

/** Adds a flag for each limit of the server. */
const withLimitFlags = <Args extends unknown[], Options extends OptionValues, Globals extends OptionValues>(
  command: Command<Args, Options, Globals>,
): Command<Args, Options, Globals> => {
  for (const limit of Object.values(LIMITS)) command.addOption(limitOption(limit).helpGroup('Limits:'))
  return command
}

/** The limits among the options of a command that has `withLimitFlags`. */
export const limitsIn = (options: Readonly<Record<string, unknown>>): GivenLimits =>
  Object.fromEntries(
    Object.entries(LIMITS).flatMap(([name, limit]) => {
      const value = options[limitOption(limit).attributeName()]
      return typeof value === 'number' ? [[name, value]] : []
    }),
  )

/** `chatkeep serve`: the socket server over the core, until SIGINT or SIGTERM. */
export const serveCommand = (run: Run) =>
  withExamples(
    withLimitFlags(withDatabaseFlags(new Command('serve'))),
    ['chatkeep serve', `on this machine only, port ${DEFAULT_PORT}`],
    ['chatkeep serve --port 0 --json', 'on a free port, printed as JSON'],
    ['chatkeep serve --journal chat.journal', 'keep accepting messages while the database is unavailable'],
    ['chatkeep serve --operators ops --add-operator Ana', 'add an operator to the file, print their token, and exit'],
    ['chatkeep serve --adapter postgres', 'one of several servers on the same database'],
    ['chatkeep serve --metrics 127.0.0.1:9464', 'with metrics for Prometheus'],
    ['chatkeep serve --host 0.0.0.0 --operators ops', 'on the network, with a token for each operator'],
    ['chatkeep serve --cors-origin https://shop.example', 'for the pages of this shop'],
  )
    .helpGroup(COMMAND_GROUPS.messages)
    .summary('run the chat socket server')
    .description(
      'Runs the chat socket server (Socket.IO, path /chat) until SIGINT or SIGTERM. ' +
        'A message is acknowledged after its commit. Operators present their token in the ' +
        'file after --operators, or the secret that they share, of 16 characters at least, ' +
        'from CHATKEEP_OPERATOR_SECRET or --operator-secret-file.',
    )
    .option('--host <address>', `listen on this address (default: ${DEFAULT_HOST})`, parseHost)
    .option(
      '--port <number>',
      `listen on this port; 0 takes a free one (default: ${DEFAULT_PORT})`,
      parseWholeNumber(0, 65_535),
    )
    .option('--operator-secret-file <file>', 'read the operator secret from this file, which nobody else may read')
    .option('--operators <file>', 'let the operators in this file join, each with a token of their own', parseFile)
    .addOption(
      new Option(
        '--add-operator <name>',
        'add an operator to the file after --operators, print their token, and exit',
      ).conflicts(['operatorSecretFile', 'journal', 'record']),
    )
    .option(
      '--operator-id <number>',
      'id in "User" of the operator after --add-operator',
      parseWholeNumber(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    )
    .option('--cors-origin <origin...>', 'allow pages of these web origins, e.g. https://shop.example', parseOrigin)
    .option('--public-host <name...>', 'accept this host name, e.g. chat.example behind a TLS proxy', parsePublicHost)
    .addOption(
      new Option(
        '--transports <transport...>',
        'how clients may connect; behind a load balancer polling needs sticky sessions (default: both)',
      ).choices(TRANSPORTS),
    )
    .option('--allow-image-urls', 'accept https URLs as images, not only data URLs')
    .option(
      '--trust-proxy <number>',
      'take the address of a client from X-Forwarded-For, behind this many proxies (default: 0)',
      parseWholeNumber(0, 100),
    )
    .option(
      '--disconnect-grace <duration>',
      `tell operators that a chat has ended when its guest is gone for so long; 0 = at once (default: ${DEFAULT_DISCONNECT_GRACE_MS / 1_000}s)`,
      (text: string) => (text === '0' ? 0 : parseDurationBetween('0s', '1d')(text)),
    )
    .option('--journal <file>', 'keep messages in this file while the database is unavailable', parseFile)
    .option('--journal-max-bytes <size>', 'largest size of the journal (default: 256MiB)', parseByteSize)
    .option(
      '--max-connection-life <duration>',
      'replace each connection to the database by this age, to notice a failover (default: 1m)',
      parseDurationBetween('100ms', '1d'),
    )
    .addOption(
      new Option(
        '--durability <kind>',
        'server: acknowledge what the database has committed as its settings say; replicated: only while a synchronous standby is attached',
      )
        .choices(['server', 'replicated'] as const)
        .default('server' as const),
    )
    .option(
      '--keep-acknowledged <duration>',
      'keep stored messages that long in FILE.acknowledged beside the journal: a failover to a standby that lags may lose them',
      parseDurationBetween('1s', '30d'),
    )
    .addOption(
      new Option('--adapter <kind>', 'memory: a single server; postgres: all servers on the database act as one')
        .choices(['memory', 'postgres'] as const)
        .default('memory' as const),
    )
    .addOption(
      new Option('--log-level <level>', 'least severe level to log on stderr (default: info)').choices([
        'debug',
        'info',
        'warn',
        'error',
        'silent',
      ] as const),
    )
    .option('--record <file>', 'write a transcript of committed messages, for chatkeep replay', parseFile)
    .option(
      '--metrics [host:port]',
      'show Prometheus metrics at /metrics: on a listener of its own or, without an address, to this machine alone',
      parseMetricsAddress,
    )
    .option(
      '--metrics-interval <duration>',
      'read the database for metrics at most this often (default: 10s)',
      parseDurationBetween('100ms', '1d'),
    )
    .option('--config <file>', 'thresholds of the metrics (default: chatkeep.config.json, if there is one)', parseFile)
    .action(
      run(async (context, options) => {
        refuseLoneFlags(options)
        const { addOperator, serve } = await import('../server/serve.js')
        if (options.addOperator !== undefined) return answerToken(await addOperator(newOperator(context, options)))
        await serve({
          context: { ...context, json: context.format.stderrIsFor === 'programs' },
          options: {
            ...options,
            ...metricsIn(options),
            disconnectGraceMs: options.disconnectGrace,
            logLevel: options.logLevel ?? LOG_LEVELS[context.verbosity],
          },
          limits: limitsIn(options),
          withTargets: (work) => withTargets(context, options, work),
          onListening: (url, metricsUrl) => context.print(answerUrls(url, metricsUrl)),
        })
        return undefined
      }),
    )

interface OperatorFlags {
  readonly operators?: string | undefined
  readonly addOperator?: string | undefined
  readonly operatorId?: number | undefined
}

const refuseLoneFlags = ({
  operators,
  addOperator: name,
  operatorId,
  metrics,
  metricsInterval,
  config,
  journal,
  keepAcknowledged,
}: OperatorFlags & MetricsFlags & JournalFlags): void => {
  if (keepAcknowledged !== undefined && journal === undefined)
    throw new OperatorError('usage', '--keep-acknowledged needs --journal FILE')
  if (name !== undefined && operators === undefined)
    throw new OperatorError('usage', '--add-operator needs --operators FILE')
  if (operatorId !== undefined && name === undefined)
    throw new OperatorError('usage', '--operator-id needs --add-operator NAME')
  if (metricsInterval !== undefined && metrics === undefined)
    throw new OperatorError('usage', '--metrics-interval needs --metrics')
  if (config !== undefined && metrics === undefined) throw new OperatorError('usage', '--config needs --metrics')
}

const newOperator = (
  { cwd }: CommandContext,
  { operators: file = '', addOperator: name = '', operatorId }: OperatorFlags,
): AddedOperator => ({ file: resolve(cwd, file), name, operatorId: operatorId ?? null })

const answerToken = (token: string): Answer => ({ data: { token }, text: () => token })

interface JournalFlags {
  readonly journal?: string | undefined
  readonly keepAcknowledged?: number | undefined
}

interface MetricsFlags {
  readonly metrics?: true | MetricsAddress | undefined
  readonly metricsInterval?: number | undefined
  readonly config?: string | undefined
}

const metricsIn = ({ metrics, metricsInterval }: MetricsFlags) =>
  ({ metrics: metrics === true ? 'shared' : metrics, metricsIntervalMs: metricsInterval }) as const

const answerUrls = (url: string, metricsUrl: string | undefined): Answer => ({
  data: { url, ...(metricsUrl === undefined ? {} : { metricsUrl }) },
  text: () => `listening on ${url}${metricsUrl === undefined ? '' : `, metrics at ${metricsUrl}`}`,
})

interface AdapterFlags extends DatabaseFlags {
  readonly adapter: 'memory' | 'postgres'
}

/** Messages may go through a pooler; LISTEN cannot, so the adapter uses the server that DIRECT_URL names. */
const withTargets = (
  context: CommandContext,
  flags: AdapterFlags,
  work: (targets: ServeTargets) => Promise<void>,
): Promise<void> =>
  context.withTarget(flags, 'pooled', (target) => {
    if (flags.adapter === 'memory') return work({ target, adapterTarget: undefined })
    if (flags.embedded !== undefined) return work({ target, adapterTarget: target })
    return context.withTarget(flags, 'direct', (adapterTarget) => work({ target, adapterTarget }))
  })

const parseFile = (text: string): string => {
  if (text !== '') return text
  throw new InvalidArgumentError('Write the name of a file.')
}

const parseHost = (text: string): string => {
  // An empty host would listen on every network.
  if (text.trim() !== '') return text
  throw new InvalidArgumentError('Write an address or a host name, such as 127.0.0.1.')
}

const parseMetricsAddress = (text: string): MetricsAddress => {
  const { ipv6, host = ipv6, port = '' } = METRICS_ADDRESS.exec(text)?.groups ?? {}
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) }
  throw new InvalidArgumentError('Write HOST:PORT, such as 127.0.0.1:9464.')
}

const METRICS_ADDRESS = /^(?:\[(?<ipv6>[\da-f:.]+)\]|(?<host>[^:\s[\]]+)):(?<port>\d{1,5})$/i

const parseOrigin = (text: string, previous: readonly string[] | undefined): readonly string[] => {
  const { origin, reason } = parseWebOrigin(text)
  if (reason !== undefined) throw new InvalidArgumentError(reason)
  return [...(previous ?? []), origin]
}

const parsePublicHost = (text: string, previous: readonly string[] | undefined): readonly string[] => {
  const origin = publicOrigin(text)
  if (origin !== undefined) return [...(previous ?? []), origin]
  throw new InvalidArgumentError('Write a host name, such as chat.example, or http://chat.example without TLS.')
}
