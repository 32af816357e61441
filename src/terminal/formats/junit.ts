import type { Answer, CheckResult } from '../answer.js'
import { errorLines, type ErrorDocument } from '../error-document.js'
import { printable, printableLines } from '../printable.js'
import type { OutputFormat } from './output-format.js'

/**
 * JUnit XML: a test case for each check, failed where a finding makes the answer "no", skipped where it could not look; other
 * findings are its output.
 */
export const junitFormat: OutputFormat = {
  name: 'junit',
  stderrIsFor: 'people',
  answer: (command, answer) => renderSuite(`chatkeep ${command}`, answer),
  error: (command, error) => renderError(`chatkeep ${command ?? ''}`, error),
}

type Attributes = Readonly<Record<string, string | number>>

const renderSuite = (name: string, { checks }: Answer): string => {
  const { properties, names, skipped, findings, durationMs } = checks ?? NO_CHECKS
  const failed = new Set(findings.filter(({ isFailing }) => isFailing).map(({ check }) => check))
  const figures = {
    tests: names.length,
    failures: failed.size,
    errors: new Set(findings.filter(({ isUnknown }) => isUnknown).map(({ check }) => check)).size,
    skipped: skipped.length,
    time: durationMs / 1_000,
  }
  return suite(name, figures, [
    element(
      'properties',
      {},
      Object.entries(properties).map(([property, value]) => element('property', { name: property, value })),
    ),
    ...names.map((check) =>
      testCase(
        name,
        check,
        findings.filter((found) => found.check === check),
        skipped.find((one) => one.check === check)?.reason,
      ),
    ),
  ])
}

const NO_CHECKS = { properties: {}, names: [], skipped: [], findings: [], durationMs: 0 }

// The database could not be asked at all: one test case, with an error.
const renderError = (name: string, reported: ErrorDocument): string => {
  const { code, message } = reported
  const error = element('error', { type: code, message }, [
    escapeXml(
      errorLines(reported)
        .map((line) => printableLines(line))
        .join('\n'),
    ),
  ])
  return suite(name, { tests: 1, failures: 0, errors: 1, skipped: 0, time: 0 }, [
    element('testcase', { classname: name, name: 'ask the database' }, [error]),
  ])
}

const suite = (name: string, figures: Attributes, children: readonly string[]): string => {
  const inner = element('testsuite', { name, ...figures }, ['', ...children, ''])
  return ['<?xml version="1.0" encoding="UTF-8"?>', element('testsuites', { name, ...figures }, ['', inner, ''])].join(
    '\n',
  )
}

const testCase = (
  suiteName: string,
  check: string,
  own: readonly CheckResult[],
  skipped: string | undefined,
): string => {
  const failing = own.filter(({ isFailing }) => isFailing)
  const [first] = failing
  const unknown = own.find(({ isUnknown }) => isUnknown)
  const others = own.filter((found) => !failing.includes(found) && found !== unknown)
  const more = failing.length > 1 ? ` (and ${failing.length - 1} more)` : ''
  return element('testcase', { classname: suiteName, name: check }, [
    ...(skipped === undefined ? [] : [element('skipped', { message: skipped })]),
    // Most readers show only the first failure of a test case, so all are in one.
    ...(first === undefined
      ? []
      : [element('failure', { type: first.code, message: `${first.code}: ${first.object}${more}` }, [text(failing)])]),
    ...(unknown === undefined
      ? []
      : [element('error', { type: unknown.code, message: `${unknown.code}: ${unknown.object}` }, [text([unknown])])]),
    ...(others.length === 0 ? [] : [element('system-out', {}, [text(others)])]),
  ])
}

const text = (findings: readonly CheckResult[]): string =>
  escapeXml(findings.map(({ lines }) => lines.map(printable).join('\n')).join('\n\n'))

const element = (name: string, attributes: Attributes, children: readonly string[] = []): string => {
  const opening = [
    name,
    ...Object.entries(attributes).map(([key, value]) => `${key}="${escapeXml(printable(String(value)))}"`),
  ]
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
