import { OperatorError } from '../errors.js'
import { pipedInto, shell, type Next } from '../next-step.js'
import { NOT_A_TRANSCRIPT } from './transcript-errors.js'

/** A format that is not a transcript, recognised by its first bytes. */
interface ForeignFormat {
  /** What a file of it is, after `is`. */
  readonly title: string
  /** Matched with the first bytes, one character a byte. */
  readonly start: RegExp
  readonly code?: string
  /** The command that prints what is in it, before the name of the file; advice where none does. */
  readonly unpack?: string
  /** It reads no stdin. */
  readonly needsFile?: true
  readonly advice?: string
}

const EXPORT =
  'write its messages as a transcript: one JSON object a line, with at, conversation, from, username and text (docs/replay.md)'

/** The first that matches names the file. To add one, write a line. */
const FOREIGN_FORMATS: readonly ForeignFormat[] = [
  { title: 'a zip archive', start: /^PK(\x03\x04|\x05\x06|\x07\x08)/, unpack: 'unzip -p', needsFile: true },
  { title: 'compressed with zstd', start: /^(\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)/, unpack: 'zstd -dc' },
  { title: 'compressed with bzip2', start: /^BZh[1-9](1AY&SY|\x17rE8P\x90)/, unpack: 'bzip2 -dc' },
  { title: 'compressed with xz', start: /^\xfd7zXZ\0/, unpack: 'xz -dc' },
  { title: 'compressed with lz4', start: /^\x04"M\x18/, unpack: 'lz4 -dc' },
  { title: 'compressed with lzip', start: /^LZIP/, unpack: 'lzip -dc' },
  { title: 'compressed with compress', start: /^\x1f\x9d/, unpack: 'gzip -dc' },
  // Inside gzip, and there is one layer too many.
  { title: 'compressed with gzip twice', start: /^\x1f\x8b/, unpack: 'gzip -dc' },
  { title: 'a 7z archive', start: /^7z\xbc\xaf\x27\x1c/, unpack: '7z x -so', needsFile: true },
  { title: 'a RAR archive', start: /^Rar!\x1a\x07/, unpack: 'unrar p -inul', needsFile: true },
  { title: 'a tar archive', start: /^[^]{257}ustar/, unpack: 'tar -xOf' },
  { title: 'in UTF-32', start: /^(\xff\xfe\0\0|\0\0\xfe\xff)/, unpack: 'iconv -f UTF-32 -t UTF-8' },
  { title: 'in UTF-16', start: /^(\xff\xfe|\xfe\xff)/, code: 'input_is_utf16', unpack: 'iconv -f UTF-16 -t UTF-8' },
  { title: 'in UTF-16', start: /^[[{]\0/, code: 'input_is_utf16', unpack: 'iconv -f UTF-16LE -t UTF-8' },
  { title: 'in UTF-16', start: /^\0[[{]/, code: 'input_is_utf16', unpack: 'iconv -f UTF-16BE -t UTF-8' },
  { title: 'a custom-format dump of pg_dump', start: /^PGDMP/, advice: 'restore it with pg_restore into a database' },
  { title: 'an SQL script', start: /^\s*(--|\/\*|(SET|INSERT|CREATE|COPY|BEGIN)\b)/i, advice: 'run it with psql' },
  { title: 'an SQLite database', start: /^SQLite format 3\0/, advice: EXPORT },
  { title: 'a PDF document', start: /^%PDF-/, advice: EXPORT },
  { title: 'HTML or XML', start: /^\s*<[!?a-z]/i, advice: EXPORT },
  { title: 'a JSON array', start: /^\s*\[\s*([[{"\]]|$)/, unpack: `jq -c '.[]'` },
  {
    title: 'an export in one JSON object, not a message a line',
    start: /^\s*\{(?![^\n]*"at"\s*:)[^]*?"messages"\s*:\s*\[/,
    advice: EXPORT,
  },
  {
    title: 'a JSON object of several lines',
    start: /^\s*\{(([^\n}]*[{,])?\s*\n\s*"|[^\n}]*\[\s*\n)/,
    unpack: 'jq -c .',
  },
  { title: 'a table (CSV)', start: /^"?\w[\w "-]*([,;\t]"?\w[\w "-]*)+\r?(\n|$)/, advice: EXPORT },
]

/** Whether a part of a JSON document is of messages as `replay` reads them. */
const HAS_MESSAGES = /"at"\s*:[^]*"conversation"\s*:|"conversation"\s*:[^]*"at"\s*:/

/** The start of a file. */
export interface FileStart {
  /** After decompression. */
  readonly bytes: Buffer
  /** Whether it is the whole file. */
  readonly isWhole: boolean
  readonly gzip: boolean
}

/** What a file is, after `is`, when it is of a known format that is not a transcript. @param start its first bytes */
export const foreignTitle = (start: Buffer): string | undefined => {
  const text = start.toString('latin1').replace(/^\xef\xbb\xbf/, '')
  return FOREIGN_FORMATS.find((one) => one.start.test(text))?.title
}

/**
 * Refuses what is not a transcript before anything is sent: a known format by its name, anything else when no line of its
 * start begins a JSON object. A transcript whose first lines are damaged is none of these.
 * @param typed how a command names the file
 * @throws OperatorError `unknown_transcript_format`, `input_is_utf16`
 */
export const refuseForeignFormat = (name: string, typed: string, start: FileStart): void => {
  const text = start.bytes.toString('latin1').replace(/^\xef\xbb\xbf/, '')
  const format = FOREIGN_FORMATS.find((one) => one.start.test(text))
  if (format !== undefined) {
    const { title, code = 'unknown_transcript_format' } = format
    throw new OperatorError(
      code,
      `${name} is ${title}${start.gzip ? ', inside gzip' : ''}; it cannot be replayed as it is`,
      {
        hint: wayOut(format, typed, start, text),
      },
    )
  }
  if (hasNoObject(text, start.isWhole)) {
    throw new OperatorError(
      'unknown_transcript_format',
      `${name} is not a transcript: no line of it is a JSON object`,
      {
        hint: NOT_A_TRANSCRIPT,
      },
    )
  }
}

const wayOut = (format: ForeignFormat, file: string, { gzip }: FileStart, text: string): Next => {
  const { unpack, advice = EXPORT, needsFile } = format
  if (unpack === undefined || (unpack.startsWith('jq') && !HAS_MESSAGES.test(text))) return advice
  if (gzip && needsFile === true) return shell(`gzip -dc ${file} > unpacked`, 'then replay the file unpacked')
  return pipedInto(gzip ? `gzip -dc ${file} | ${unpack} -` : `${unpack} ${file}`, 'replay -')
}

// The last line may be cut off, and a line may be longer than what was read.
const hasNoObject = (text: string, isWhole: boolean): boolean => {
  const lines = text.split('\n')
  const complete = (isWhole ? lines : lines.slice(0, -1)).filter((line) => line.trim() !== '')
  return complete.length > 0 && !complete.some((line) => /^\s*(\xef\xbb\xbf)?\s*\{/.test(line))
}
