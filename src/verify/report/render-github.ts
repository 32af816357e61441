import { describeError, type ReportedError } from './describe-error.js'
import { describeFinding, MOST_DIFF_LINES } from './describe-finding.js'
import type { Finding, Place } from '../finding.js'

type Level = 'error' | 'warning' | 'notice'

/** A workflow command of GitHub Actions: an annotation of the run, and of the file where there is a place. */
export const renderAnnotation = (found: Finding): string => {
  const level = found.severity === 'note' ? 'notice' : found.severity
  return command(level, found.code, describeFinding(found, MOST_DIFF_LINES), found.place)
}

/** The annotation that the question could not be asked. */
export const renderErrorAnnotation = (reported: ReportedError): string =>
  command('error', reported.code, describeError(reported))

const command = (level: Level, code: string, lines: readonly string[], place?: Place): string => {
  const properties = [
    ['title', `chatkeep verify: ${code}`],
    ...(place === undefined ? [] : [['file', place.file] as const]),
    ...(place?.line == null ? [] : [['line', String(place.line)] as const]),
  ].map(([name = '', value = '']) => `${name}=${escapeProperty(value)}`)
  return `::${level} ${properties.join(',')}::${escapeData(lines.join('\n'))}`
}

// Of the two, properties also need their own separators escaped.
const escapeProperty = (value: string): string => escapeData(value).replaceAll(':', '%3A').replaceAll(',', '%2C')

const escapeData = (value: string): string =>
  value.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A').replace(CONTROL, visible)

/** What would move the cursor of whoever reads the log. */
const CONTROL = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

const visible = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
