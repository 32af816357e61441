import { link, rm, stat } from 'node:fs/promises'
import type { ChatLog } from '../chat-log.js'
import { OperatorError } from '../errors.js'
import { createAcknowledged, type Acknowledged } from './acknowledged.js'
import { createJournalFile } from './journal-file.js'
import { createMarks } from './marks.js'
import { loadEntries, openJournalFile } from './open-journal-file.js'

export interface AcknowledgedOptions {
  readonly path: string
  /** How long a message is kept; undefined keeps none. */
  readonly keepMs: number | undefined
  readonly maxBytes: number
  /** How many bytes the file may have now. */
  readonly roomBytes: () => number
}

/** So many steps of time and of size are told apart: memory stays small, however many messages are kept. */
const STEPS = 1_000

/**
 * Opens the file of acknowledged messages beside a journal whose lock is held, with what an earlier process kept in it.
 * @returns undefined when none are to be kept; a file of an earlier process then stays as it is, which is logged
 * @throws OperatorError `file_not_private`, `journal_version_unknown`; a damaged file is set aside, because its messages are stored
 */
export const openAcknowledged = async (
  options: AcknowledgedOptions,
  log: ChatLog,
): Promise<Acknowledged | undefined> => {
  const { path, keepMs } = options
  if (keepMs === undefined) return warnOfLeft(path, log)
  try {
    return await open({ ...options, keepMs }, log)
  } catch (error) {
    if (!(error instanceof OperatorError && DAMAGED.includes(error.code))) throw error
    const damaged = await setAside(path)
    log.error(
      { event: 'acknowledged_damaged', reason: error.message, file: damaged },
      'the file of acknowledged messages is damaged and was renamed; the messages in it are stored, and a new file was begun',
    )
    return open({ ...options, keepMs }, log)
  }
}

const DAMAGED = ['journal_damaged', 'not_a_journal']

/** Renames a file, and overwrites none. @returns its new name */
const setAside = async (path: string, attempt = 1): Promise<string> => {
  const name = `${path}.damaged${attempt === 1 ? '' : `.${attempt}`}`
  try {
    await link(path, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return setAside(path, attempt + 1)
    throw error
  }
  await rm(path)
  return name
}

const open = (
  { path: wanted, keepMs, maxBytes, roomBytes }: AcknowledgedOptions & { readonly keepMs: number },
  log: ChatLog,
): Promise<Acknowledged> =>
  openJournalFile(wanted, async (found) => {
    const marks = createMarks({ ms: keepMs / STEPS, bytes: maxBytes / STEPS })
    const noteEntry = (at: Date | undefined, end: number): void => marks.add(at?.getTime() ?? Date.now(), end)
    const onTorn = (): Promise<void> => Promise.resolve()
    const loaded = await loadEntries(found, ({ acknowledgedAt }, end) => noteEntry(acknowledgedAt, end), onTorn)
    const file = createJournalFile({ ...found, ...loaded, maxBytes })
    return createAcknowledged({ ...found, file, keepMs, roomBytes, marks, log })
  })

const warnOfLeft = async (path: string, log: ChatLog): Promise<undefined> => {
  const left = await stat(path).catch(() => undefined)
  if (left !== undefined)
    log.warn(
      { event: 'acknowledged_left', file: path, bytes: left.size },
      'acknowledged messages of an earlier run are still in a file: start with --keep-acknowledged, or remove it',
    )
}
