import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import type { BenchProcess } from './bench-process.js'
import type { BenchServer } from './server.js'

/** What the figures depend on besides the code. */
export interface Machine {
  readonly cores: number
  readonly processor: string
  readonly memoryGb: number
  /** Of the minute before the run: other work on the machine makes figures worthless. */
  readonly loadAverage: number
  readonly node: string
  readonly postgresql: string
  readonly settings: Readonly<Record<string, string>>
}

const GIGABYTE = 1_073_741_824

export const describeMachine = ({ nodeVersion }: BenchProcess, { version, settings }: BenchServer): Machine => ({
  cores: availableParallelism(),
  processor: cpus()[0]?.model ?? 'unknown processor',
  memoryGb: Math.round(totalmem() / GIGABYTE),
  loadAverage: loadavg()[0] ?? 0,
  node: nodeVersion,
  postgresql: version,
  settings,
})
