import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import { hasCode } from '../../file-reason.js'
import { refuseForeignLink } from '../../private-file.js'
import { findLaterRecordings } from '../../transcripts/recording-names.js'

/**
 * The files that are named. A link of one's own is followed. A file that is named twice is changed once.
 * @throws OperatorError `file_not_private`; other errors of the file system as they are
 */
export const realPaths = async (paths: readonly string[], cwd: string): Promise<ReadonlySet<string>> => {
  const real = new Set<string>()
  for (const path of paths) {
    const absolute = resolve(cwd, path)
    await refuseForeignLink(absolute)
    real.add(await realpath(absolute))
  }
  return real
}

/** The recordings that are named, each with those that servers began because its name was taken: FILE.1, FILE.2, … */
export const recordingPaths = async (paths: readonly string[], cwd: string): Promise<ReadonlySet<string>> => {
  const all: string[] = []
  for (const path of paths) {
    const named = resolve(cwd, path)
    const target = await realpath(named).catch((error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error
    })
    // Beside a link, and beside what it leads to: the server may have been given either name.
    const later = [...(await findLaterRecordings(named)), ...(await findLaterRecordings(target ?? named))]
    // FILE itself may have been moved away; without later ones it is missing, which opening it reports.
    const isMoved = target === undefined && later.length > 0
    all.push(...(isMoved ? [] : [named]), ...later)
  }
  return realPaths(all, cwd)
}
