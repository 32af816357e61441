import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** Fourteen messages in seven conversations: odd names, several scripts, twins, operators known and unknown. */
export const SHOP = fileURLToPath(new URL('transcripts/shop.ndjson', import.meta.url))
export const SHOP_MESSAGES = 14

export type LinePart = Readonly<Record<string, unknown>>

/** One line of a transcript: a valid one with the given fields replaced. */
export const transcriptLine = (part: LinePart = {}): string =>
  JSON.stringify({
    at: '2026-04-01T09:00:08.250Z',
    conversation: 'c1',
    from: 'client',
    username: 'maria',
    phone: null,
    operator: null,
    text: 'Hello',
    ...part,
  })

/** That many messages, one a second, in 40 conversations of a guest each; every fifth is an operator's. */
export const manyLines = (messages: number): string =>
  Array.from({ length: messages }, (_, index) => {
    const guest = `guest ${index % 40}`
    const from = index % 200 >= 40 && index % 5 === 0 ? 'operator' : 'client'
    const at = new Date(Date.UTC(2026, 3, 1) + 1_000 * index).toISOString()
    return `${transcriptLine({ at, conversation: guest, from, username: guest, text: `message ${index}` })}\n`
  }).join('')

/** Writes a file that is removed after the test. @returns its path */
export const writeInput = async (content: string | Buffer, name = 'transcript'): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-test-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}
