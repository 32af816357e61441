import { ExitCode, OperatorError } from '../errors.js'

/** The file is there and is something else; it was not touched. */
export const notAJournal = (path: string, reason: string): OperatorError =>
  new OperatorError('not_a_journal', `${path} is no journal of chatkeep, and was left as it is: ${reason}`, {
    hint: 'name a file that does not exist yet: chatkeep serve --journal chat.journal',
  })

export const unknownJournalVersion = (path: string, version: number): OperatorError =>
  new OperatorError(
    'journal_version_unknown',
    `${path} is a journal of version ${version}, which this chatkeep does not know`,
    {
      hint: 'use the chatkeep that wrote it, or a newer one',
      exitCode: ExitCode.refused,
    },
  )

/**
 * Damage that no torn write explains: messages that were answered may be in it and behind it.
 * @param resumeAt the first line behind the damage
 */
export const journalDamaged = (path: string, line: number, reason: string, resumeAt = line + 1): OperatorError =>
  new OperatorError('journal_damaged', `${path} is damaged in line ${line}: ${reason}; nothing was cut off`, {
    details: [
      'what stands before and after the damage can be brought in by itself:',
      ...(line > 2 ? [`head -n ${line - 1} ${path} > before.journal && chatkeep replay before.journal`] : []),
      `(head -n 1 ${path}; tail -n +${resumeAt} ${path}) > after.journal && chatkeep replay after.journal`,
      'then move the file away, with what is left in it, and start the server with a new one',
    ],
    hint: `look at it: sed -n ${line}p ${path}`,
    exitCode: ExitCode.refused,
  })

/** Without its header a file tells neither its version nor its id. */
export const journalHeaderDamaged = (path: string): OperatorError =>
  new OperatorError(
    'journal_damaged',
    `${path} is damaged in line 1: the checksum of its header is wrong; nothing was cut off`,
    {
      details: [
        'the header of another journal of the same version will do, such as a new one that chatkeep serve makes:',
        `(head -n 1 new.journal; tail -n +2 ${path}) > mended.journal && chatkeep replay mended.journal`,
      ],
      hint: `look at it: sed -n 1p ${path}`,
      exitCode: ExitCode.refused,
    },
  )

export const journalInUse = (path: string): OperatorError =>
  new OperatorError('journal_in_use', `another chat server of this machine uses the journal ${path}`, {
    hint: 'give every server a journal of its own',
    exitCode: ExitCode.busy,
  })

/** The file was moved, removed or written to by somebody else: what would be added to it might never be found. */
export const journalChanged = (path: string, reason: string): OperatorError =>
  new OperatorError('journal_changed', `the journal ${path} ${reason}`, { retryable: true })

export const journalFull = (path: string, maxBytes: number): OperatorError =>
  new OperatorError('journal_full', `the journal ${path} is full: it may have ${maxBytes} bytes`, {
    hint: '--journal-max-bytes',
    retryable: true,
  })

const DISK_FULL = ['ENOSPC', 'EDQUOT', 'EFBIG']

/** Nothing of what was to be written counts as kept. */
export const journalNotWritten = (path: string, cause: unknown): OperatorError => {
  if (cause instanceof OperatorError) return cause
  const { code = 'unknown', message } = cause as NodeJS.ErrnoException
  const options = { cause, retryable: true }
  return DISK_FULL.includes(code)
    ? new OperatorError(
        'journal_disk_full',
        `the journal ${path} cannot be written: its disk is full (${code})`,
        options,
      )
    : new OperatorError('journal_not_written', `the journal ${path} cannot be written: ${message}`, options)
}

/** Why the journal does not take a message, in words for the sender, who is not to know our paths. */
const REASONS: Readonly<Record<string, string>> = {
  journal_full: 'its journal is full',
  journal_disk_full: "its journal's disk is full",
}

/** Neither the database nor the journal took the message; the sender has to keep it for now. */
export const notQueued = (cause: OperatorError): OperatorError =>
  new OperatorError(
    'database_unavailable',
    `the database cannot be used right now, and the server keeps no more messages for it: ${REASONS[cause.code] ?? 'its journal cannot be written'}`,
    { cause, retryable: true, exitCode: ExitCode.unreachable },
  )

/** The key of a message that waits in the journal came again with another one. */
export const queuedConflict = (messageId: string): OperatorError =>
  new OperatorError(
    'idempotency_conflict',
    `the messageId ${JSON.stringify(messageId)} belongs to a message that waits in the journal, which has another body`,
    { hint: 'give every message a key of its own', exitCode: ExitCode.no },
  )
