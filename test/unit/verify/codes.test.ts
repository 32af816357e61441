import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { transpileModule } from 'typescript'
import { describe, expect, test } from 'vitest'
import type { FactCheck } from '../../../src/verify/check.js'
import { checks } from '../../../src/verify/checks/index.js'
import { explainedCodes } from '../../../src/verify/explained-codes.js'
import { finding } from '../../../src/verify/finding.js'
import { SEVERITIES } from '../../../src/verify/severity.js'
import { repository } from '../../support/chatkeep-process.js'
import { filesBelow, src } from '../../support/source-tree.js'

const codes = explainedCodes().map(({ code }) => code)

const textsBelow = (folder: string): readonly string[] => filesBelow(folder).map((path) => readFileSync(path, 'utf8'))

describe('the codes of findings', () => {
  test('compile only with an explanation for each, and none to spare', () => {
    const common = { name: 'example', expectations: [], needs: {} }
    const words = { object: 'a thing', expected: 'one', actual: 'none', help: 'make one' }
    const [title, meaning, cause, remedy] = ['a thing is missing', 'It is needed.', 'It was dropped.', 'Make one.']
    const explanation = { title, severities: ['error'], meaning, cause, remedy } as const
    const findings = () => [finding('error', 'thing_missing', words)]

    const explained: FactCheck<'thing_missing'> = { ...common, findings, explanations: { thing_missing: explanation } }
    // @ts-expect-error -- a code without an explanation
    const unexplained: FactCheck<'thing_missing'> = { ...common, findings, explanations: {} }
    // @ts-expect-error -- a finding with a code that the check does not have
    const other: FactCheck<'thing_differs'> = { ...common, findings, explanations: { thing_differs: explanation } }
    const spare: FactCheck<'thing_missing'> = {
      ...common,
      findings,
      // @ts-expect-error -- an explanation of a code that the check does not have
      explanations: { thing_missing: explanation, thing_differs: explanation },
    }
    expect([explained, unexplained, other, spare]).toHaveLength(4)
  })

  test('are all used by a check', () => {
    // The compiled text has no types, and names of properties are not quoted: a code in quotes is one that is given to a finding.
    const text = textsBelow(join(src, 'verify'))
      .map((source) => transpileModule(source, {}).outputText)
      .join('\n')
    expect(codes.filter((code) => !new RegExp(`['"]${code}['"]`).test(text))).toEqual([])
  })

  test('are all found in a test', () => {
    const text = [
      ...textsBelow(join(repository, 'test', 'integration', 'verify')),
      ...textsBelow(join(repository, 'test', 'unit', 'verify')),
    ].join('\n')
    expect(codes.filter((code) => !new RegExp(`['"\`]${code}\\b`).test(text))).toEqual([])
  })

  test('mean the same in every check', () => {
    for (const { explanations } of checks) {
      for (const [code, explanation] of Object.entries(explanations)) {
        const others = checks.flatMap((check) => check.explanations[code] ?? [])
        expect(new Set(others), code).toEqual(new Set([explanation]))
      }
    }
  })

  test.for(explainedCodes())('have an explanation with all parts: $code', (explained) => {
    const { code, title, severities, meaning, cause, remedy } = explained
    expect(code).toMatch(/^[a-z]+(_[a-z0-9]+)+$/)
    expect(title).toMatch(/^\S.{10,90}[^.]$/)
    expect(severities).toEqual(SEVERITIES.filter((severity) => severities.includes(severity)))
    expect(severities.length).toBeGreaterThan(0)
    for (const text of [meaning, cause, remedy]) expect(text).toMatch(/^["\w].{20,}[.)]$/)
    expect(meaning.length).toBeGreaterThan(80)
  })
})

test('no two checks have the same name', () => {
  const names = checks.map(({ name }) => name)
  expect(names).toEqual([...new Set(names)])
})
