import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../until.js'
import { RULE_FILE } from './rules.js'

export interface Prometheus {
  /** The values of a query's result now, by the value of one label; '' without it. */
  readonly query: (query: string, label?: string) => Promise<Readonly<Record<string, number>>>
  /** What its API says. */
  readonly ask: (path: string) => Promise<unknown>
}

interface QueryResult {
  readonly result: readonly { readonly metric: Readonly<Record<string, string>>; readonly value: [number, string] }[]
}

/** Runs a Prometheus of its own that scrapes a server several times a second, with our rules, for as long as the work lasts. */
export const withPrometheus = async (
  program: string,
  target: string,
  work: (prometheus: Prometheus) => Promise<void>,
): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-prometheus-'))
  const port = await freePort()
  const config = {
    global: { scrape_interval: '200ms', scrape_timeout: '200ms', evaluation_interval: '200ms' },
    rule_files: [RULE_FILE],
    scrape_configs: [{ job_name: 'chatkeep', static_configs: [{ targets: [target] }] }],
  }
  // JSON is YAML.
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config))
  const child = spawn(
    program,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=native-histograms',
      '--log.level=warn',
    ],
    { stdio: 'ignore' },
  )
  const ended = once(child, 'exit')
  const ask = async (path: string): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)
    return ((await response.json()) as { readonly data: unknown }).data
  }
  try {
    await until(() => ask('status/runtimeinfo'), { what: 'Prometheus answers' })
    const query: Prometheus['query'] = async (text, label = '') => {
      const { result } = (await ask(`query?query=${encodeURIComponent(text)}`)) as QueryResult
      return Object.fromEntries(result.map(({ metric, value }) => [metric[label] ?? '', Number(value[1])]))
    }
    await work({ ask, query })
  } finally {
    child.kill()
    await ended
    await rm(folder, { recursive: true })
  }
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
