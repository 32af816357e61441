import { existsSync, readFileSync } from 'node:fs'
import type { ChatServer, Stage } from './stage.js'
import { waitFor } from './wait-for.js'

const PATIENCE_MS = 120_000

/** Lets everybody bring what is under way to its end. */
export const settle = async (stage: Stage): Promise<void> => {
  const { crowd, complain, signal } = stage
  let isQuiet = false
  const finished = crowd.finish().then(() => (isQuiet = true))
  if (!(await waitFor(() => isQuiet, signal, PATIENCE_MS))) {
    complain('not every message was answered within two minutes after the last fault')
    return
  }
  await finished
  if (!(await waitFor(() => stage.servers.every(isDrained), signal, PATIENCE_MS))) {
    complain('a journal was not drained within two minutes after the last fault')
  }
  for (const { name, process } of stage.servers) {
    if (existsSync(`${process.journal}.rejected`)) complain(`messages of the journal of server ${name} were rejected`)
  }
  const { exitCode, stderr } = await stage.command('reconcile')
  if (exitCode !== 0) complain(`reconcile ended with ${exitCode}: ${stderr}`)
}

/** Whether nothing is left in the journal but its first line. */
const isDrained = ({ process }: ChatServer): boolean => readFileSync(process.journal, 'latin1').split('\n').length <= 2
