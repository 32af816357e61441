import { ExitCode, OperatorError } from '../../errors.js'
import { shell } from '../../next-step.js'
import { shellWord } from '../../shell-word.js'

/** A line that no server of chatkeep wrote. */
export const lineTooLong = (path: string, line: number): OperatorError =>
  new OperatorError(
    'line_too_long',
    `line ${line} of ${path} is longer than any that chatkeep writes; nothing was changed`,
    {
      exitCode: ExitCode.refused,
      hint: shell(`sed -n ${line}p ${shellWord(path)} | head -c 300`, 'inspect it'),
    },
  )

/** @param title what the file is, after `is` */
export const notARecording = (path: string, title: string): OperatorError =>
  new OperatorError('not_a_recording', `${path} is ${title}, not a recording of serve --record; nothing was changed`, {
    exitCode: ExitCode.refused,
    hint: [
      'name only files that chatkeep wrote; delete the person from others with the program that they belong to',
      'if you did not name it: beside a recording FILE, FILE.1, FILE.2, … are read as well; rename it',
    ],
  })

/** @param holder its process, where that is known */
export const recordingInUse = (path: string, holder: number | undefined): OperatorError =>
  new OperatorError(
    'recording_in_use',
    `a process on this machine${holder === undefined ? '' : ` (${holder})`} writes the recording ${path}: a chat server, or an erasure`,
    {
      exitCode: ExitCode.busy,
      hint: [
        ...(holder === undefined ? [] : [shell(`ps -p ${holder}`, 'see which one')]),
        'stop that server first, and start it when this is done; it begins a new recording then',
      ],
    },
  )

/** Nothing says whether its server still runs: one of an older version. */
export const recordingOpen = (path: string): OperatorError =>
  new OperatorError(
    'recording_open',
    `${path} has no footer, and no id either: perhaps a chat server of an older version still writes it; nothing was changed`,
    {
      exitCode: ExitCode.refused,
      hint: 'stop that server; if it was killed, put "footer":false into the header of the file',
    },
  )

export const hasSecondName = (path: string): OperatorError =>
  new OperatorError('file_not_private', `${path} has a second name (a hard link), which would keep its lines`, {
    exitCode: ExitCode.refused,
    hint: shell(`find . -samefile ${shellWord(path)}`, 'find the other name and remove it'),
  })

/** Another process replaced the file after it was read. */
export const fileReplaced = (path: string): OperatorError =>
  new OperatorError('file_changed', `${path} was replaced or changed by another process; it was left as it is`, {
    exitCode: ExitCode.busy,
    retryable: true,
    hint: 'run it again when nothing else changes the file',
  })

export const notAJournalFile = (path: string, cause: OperatorError): OperatorError =>
  new OperatorError('not_a_journal', `${path} is not a journal of serve --journal; nothing was changed`, {
    exitCode: ExitCode.refused,
    hint: 'name a recording with --recording, and leave out files that chatkeep did not write',
    cause,
  })
