import { performance } from 'node:perf_hooks'
import { removeDrafts } from '../../private-file.js'
import { openRejectedFile } from './rejected-file.js'
import { NOT_BEGUN, readRunState, writeRunState, type RunIdentity } from './resume-state.js'
import { createRunProgress, type RunProgress } from './run-progress.js'

export interface RunFiles {
  readonly stateFile: string | undefined
  readonly rejectedFile: string | undefined
  /** First line for the file of rejected lines, when their format needs one. */
  readonly header: Buffer | undefined
  readonly identity: RunIdentity
}

/** Opens the files that a run keeps on disk for as long as the work lasts. */
export const withRunProgress = async <T>(
  { stateFile, rejectedFile, header, identity }: RunFiles,
  work: (progress: RunProgress) => Promise<T>,
): Promise<T> => {
  const earlier = stateFile === undefined ? NOT_BEGUN : await readRunState(stateFile, identity)
  if (stateFile !== undefined) await removeDrafts(stateFile)
  const continueAt = earlier.rejectedBytes
  const file =
    rejectedFile === undefined ? undefined : await openRejectedFile({ path: rejectedFile, header, continueAt })
  const writeState =
    stateFile === undefined ? undefined : (state: typeof earlier) => writeRunState(stateFile, identity, state)
  try {
    return await work(createRunProgress({ earlier, file, writeState, nowMs: () => performance.now() }))
  } finally {
    await file?.close()
  }
}
