import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { hasCode } from '../file-reason.js'

/** The name of a recording: FILE, and FILE.1, FILE.2, … where those before it are taken. */
export const recordingName = (file: string, number: number): string => (number === 0 ? file : `${file}.${number}`)

/** The recordings that servers began because FILE was taken, in their order. One without a message is empty, and none yet. */
export const findLaterRecordings = async (file: string): Promise<readonly string[]> => {
  const start = `${basename(file)}.`
  const numbers = (await namesIn(dirname(file)))
    .filter((name) => name.startsWith(start) && /^[1-9]\d*$/.test(name.slice(start.length)))
    .map((name) => Number(name.slice(start.length)))
    .filter(Number.isSafeInteger)
    .toSorted((a, b) => a - b)
  const found: string[] = []
  for (const number of numbers) {
    const path = join(dirname(file), recordingName(basename(file), number))
    const status = await stat(path)
    if (status.isFile() && status.size > 0) found.push(path)
  }
  return found
}

const namesIn = (folder: string): Promise<readonly string[]> =>
  readdir(folder).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  })
