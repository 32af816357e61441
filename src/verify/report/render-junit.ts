import type { Finding } from '../finding.js'
import { isFailing, type Severity } from '../severity.js'
import { describeError, type ReportedError } from './describe-error.js'
import { describeFinding } from './describe-finding.js'

/** What a report of tests is made of. */
export interface JunitReport {
  readonly target: string
  readonly schema: string
  readonly expect: string
  readonly serverVersion: string
  readonly checks: readonly string[]
  readonly findings: readonly (Finding & { readonly check: string })[]
  readonly failOn: Severity
  readonly durationMs: number
}

type Attributes = Readonly<Record<string, string | number>>

const SUITE = 'chatkeep verify'

/** One JUnit document: a test case for each check, failed where a finding makes the answer "no"; other findings are its output. */
export const renderJunit = (report: JunitReport): string => {
  const { target, schema, expect, serverVersion, checks, durationMs } = report
  const failed = new Set(report.findings.filter((found) => isFailing(found, report.failOn)).map(({ check }) => check))
  const properties = Object.entries({ target, schema, expect, serverVersion }).map(([name, value]) =>
    element('property', { name, value }),
  )
  const figures = { tests: checks.length, failures: failed.size, errors: 0, skipped: 0, time: durationMs / 1_000 }
  return suite(figures, [element('properties', {}, properties), ...checks.map((check) => testCase(check, report))])
}

/** The document where the question could not be asked at all: one test case, with an error. */
export const renderJunitError = (reported: ReportedError): string => {
  const { code, message } = reported
  const error = element('error', { type: code, message }, [escapeXml(describeError(reported).join('\n'))])
  return suite({ tests: 1, failures: 0, errors: 1, skipped: 0, time: 0 }, [
    element('testcase', { classname: SUITE, name: 'ask the database' }, [error]),
  ])
}

const suite = (figures: Attributes, children: readonly string[]): string => {
  const inner = element('testsuite', { name: SUITE, ...figures }, ['', ...children, ''])
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    element('testsuites', { name: SUITE, ...figures }, ['', inner, '']),
  ].join('\n')
}

const testCase = (check: string, { findings, failOn }: JunitReport): string => {
  const own = findings.filter((found) => found.check === check)
  const failing = own.filter((found) => isFailing(found, failOn))
  const [first] = failing
  const others = own.filter((found) => !failing.includes(found))
  const more = failing.length > 1 ? ` (and ${failing.length - 1} more)` : ''
  return element('testcase', { classname: SUITE, name: check }, [
    // Readers take the first failure of a test case and leave out the others, so there is one.
    ...(first === undefined
      ? []
      : [element('failure', { type: first.code, message: `${first.code}: ${first.object}${more}` }, [text(failing)])]),
    ...(others.length === 0 ? [] : [element('system-out', {}, [text(others)])]),
  ])
}

const text = (findings: readonly Finding[]): string =>
  escapeXml(findings.map((found) => describeFinding(found).join('\n')).join('\n\n'))

const element = (name: string, attributes: Attributes, children: readonly string[] = []): string => {
  const opening = [name, ...Object.entries(attributes).map(([key, value]) => `${key}="${escapeXml(String(value))}"`)]
  return children.length === 0 ? `<${opening.join(' ')}/>` : `<${opening.join(' ')}>${children.join('\n')}</${name}>`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

// XML 1.0 has no way to write a control character, a lone surrogate or U+FFFE: they are shown by their numbers.
const escapeXml = (raw: string): string =>
  raw
    .replace(/[^\t\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]|[\u007f-\u009f]/gu, codePoint)
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)

const codePoint = (character: string): string => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
