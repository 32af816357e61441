import { describe, expect, test } from 'vitest'
import { effectiveSetting } from '../../../src/verify/facts/server-facts.js'
import { canReturnNull } from '../../../src/verify/checks/schema/swallowing-triggers.js'
import type { RoleSetting } from '../../../src/verify/facts/server-facts.js'

describe('a trigger function can skip a row', () => {
  test.for([
    ['BEGIN RETURN NULL; END', true],
    ['BEGIN IF new.x THEN\n  return\n null; END IF; RETURN new; END', true],
    ['BEGIN RETURN OLD; END', true],
    ["BEGIN IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END", false],
    ['BEGIN new."updatedAt" := now(); RETURN NEW; END', false],
    ['BEGIN -- RETURN NULL\n RETURN NEW; END', false],
    ['BEGIN /* RETURN\nNULL */ RETURN NEW; END', false],
    ["BEGIN new.text := 'it''s: RETURN NULL'; RETURN NEW; END", false],
    ['BEGIN RETURN nullable(NEW); END', false],
  ] as const)('%s: %s', ([source, expected]) => {
    expect(canReturnNull({ language: 'plpgsql', source })).toBe(expected)
  })

  test('which is not known of other languages', () => {
    expect(canReturnNull({ language: 'c', source: 'RETURN NULL' })).toBe(false)
  })
})

describe('the setting that a role gets', () => {
  const everywhere: RoleSetting = { role: null, inDatabase: false, value: 'everywhere' }
  const database: RoleSetting = { role: null, inDatabase: true, value: 'database' }
  const role: RoleSetting = { role: 'app', inDatabase: false, value: 'role' }
  const both: RoleSetting = { role: 'app', inDatabase: true, value: 'both' }
  const other: RoleSetting = { role: 'other', inDatabase: true, value: 'other' }

  test.for([
    [[everywhere, database, role, both, other], 'both'],
    [[role, database, everywhere], 'role'],
    [[everywhere, database, other], 'database'],
    [[everywhere], 'everywhere'],
    [[other], undefined],
  ] as const)('is the most particular one: %o', ([settings, expected]) => {
    expect(effectiveSetting('app', settings)?.value).toBe(expected)
  })
})
