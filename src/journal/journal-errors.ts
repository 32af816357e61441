import { ExitCode, OperatorError } from '../errors.js'
import type { HeldLock } from '../file-lock.js'
import { fileReason } from '../file-reason.js'
import { shellWord } from '../shell-word.js'
import { chatkeep, shell } from '../next-step.js'

/** The file is something else; it was not changed. */
export const notAJournal = (path: string, reason: string): OperatorError =>
  new OperatorError('not_a_journal', `${path} is not a journal of chatkeep and was not changed: ${reason}`, {
    hint: chatkeep('serve --journal chat.journal', 'use a new file'),
  })

export const unknownJournalVersion = (path: string, version: number): OperatorError =>
  new OperatorError(
    'journal_version_unknown',
    `${path} is a journal of version ${version}, which this version of chatkeep cannot read`,
    {
      hint: 'use the version of chatkeep that wrote it, or a newer one',
      exitCode: ExitCode.refused,
    },
  )

/**
 * Damage that an interrupted write cannot explain: acknowledged messages may be in the damaged line and behind it.
 * @param resumeAt the first line after the damage
 */
export const journalDamaged = (path: string, line: number, reason: string, resumeAt = line + 1): OperatorError =>
  new OperatorError('journal_damaged', `${path} is damaged in line ${line}: ${reason}; nothing was cut off`, {
    hint: [
      shell(`sed -n ${line}p ${shellWord(path)}`, 'inspect it'),
      ...(line > 2
        ? [
            shell(`head -n ${line - 1} ${shellWord(path)} > before.journal`, 'copy the lines before the damage'),
            chatkeep('replay before.journal'),
          ]
        : []),
      shell(
        `(head -n 1 ${shellWord(path)}; tail -n +${resumeAt} ${shellWord(path)}) > after.journal`,
        'copy the lines after the damage',
      ),
      chatkeep('replay after.journal'),
      'rename the damaged file and start the server with a new one',
    ],
    exitCode: ExitCode.refused,
  })

/** Without its header the version and the id of a journal are unknown. */
export const journalHeaderDamaged = (path: string): OperatorError =>
  new OperatorError(
    'journal_damaged',
    `${path} is damaged in line 1: the checksum of its header is wrong; nothing was cut off`,
    {
      hint: [
        shell(`sed -n 1p ${shellWord(path)}`, 'inspect it'),
        'start a server with a new journal, new.journal, whose header is of the same version',
        shell(
          `(head -n 1 new.journal; tail -n +2 ${shellWord(path)}) > repaired.journal`,
          'put that header before the messages',
        ),
        chatkeep('replay repaired.journal'),
      ],
      exitCode: ExitCode.refused,
    },
  )

export const journalInUse = (path: string, { holder, isOwn }: HeldLock): OperatorError => {
  const id = holder === undefined ? '' : ` (${holder})`
  const message = isOwn
    ? `another chat server of this process uses the journal ${path}`
    : `another process on this machine${id} uses the journal ${path}: a chat server, or an erasure`
  const hint = [
    ...(holder === undefined || isOwn ? [] : [shell(`ps -p ${holder}`, 'see which one')]),
    'use a separate journal for each server, and stop the server before its journal is changed',
  ]
  return new OperatorError('journal_in_use', message, { hint, exitCode: ExitCode.busy })
}

/** Another process moved, removed or changed the file: lines added to it might never be found. */
export const journalChanged = (path: string, reason: string): OperatorError =>
  new OperatorError('journal_changed', `the journal ${path} ${reason}`, { retryable: true })

export const journalFull = (path: string, maxBytes: number): OperatorError =>
  new OperatorError('journal_full', `the journal ${path} is full: its limit is ${maxBytes} bytes`, {
    hint: 'raise --journal-max-bytes',
    retryable: true,
  })

const DISK_FULL = ['ENOSPC', 'EDQUOT', 'EFBIG']

/** Nothing of the group that was to be written counts as kept. */
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

export const isDiskFull = (error: unknown): boolean =>
  error instanceof OperatorError && error.code === 'journal_disk_full'

/** Why the journal did not take a message, in a text for the sender, without paths of the server. */
const REASONS: Readonly<Record<string, string>> = {
  journal_full: 'its journal is full',
  journal_disk_full: "its journal's disk is full",
}

/** Neither the database nor the journal took the message; the sender has to send it again. */
export const notQueued = (cause: OperatorError): OperatorError =>
  new OperatorError(
    'database_unavailable',
    `the database is unavailable, and the server cannot queue the message: ${REASONS[cause.code] ?? 'its journal cannot be written'}`,
    { cause, retryable: true, exitCode: ExitCode.unreachable },
  )

/** Another message has the key of a message in the journal. */
export const queuedConflict = (messageId: string): OperatorError =>
  new OperatorError(
    'idempotency_conflict',
    `the messageId ${JSON.stringify(messageId)} belongs to a message in the journal with another sender, content or conversation`,
    { hint: 'use a new key for every message', exitCode: ExitCode.no },
  )

/** The journal cannot be created where it is wanted. */
export const journalNotCreated = (path: string, cause: unknown): OperatorError =>
  new OperatorError('file_error', `the journal ${path} cannot be created: ${fileReason(cause) ?? String(cause)}`, {
    cause,
  })
