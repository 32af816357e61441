import { describe, expect, test } from 'vitest'
import { toHistory, type NameHolder } from '../../../src/persistence/erasure/disputed-names.js'

const holder = (isPerson: boolean, known: Partial<NameHolder> = {}): NameHolder => ({
  ...{ isPerson, hasNow: false, renamedMs: null, createdMs: null, isGuest: false },
  ...known,
})
const person = (known?: Partial<NameHolder>): NameHolder => holder(true, known)
const other = (known?: Partial<NameHolder>): NameHolder => holder(false, known)

describe('a name that the person has is theirs', () => {
  const has = { hasNow: true, createdMs: 30 }
  test.each<[string, readonly NameHolder[], readonly [from: number, others: number]]>([
    ['from their creation, where somebody else was renamed before', [person(has), other({ renamedMs: 20 })], [30, 20]],
    ['from their creation, where others have messages under it', [person(has), other()], [30, -Infinity]],
    ['at no known time, if they are older', [person(has), other({ renamedMs: 40 })], [Infinity, 40]],
    [
      'at no known time, if nothing says when they were created',
      [person({ hasNow: true }), other()],
      [Infinity, -Infinity],
    ],
    ['at no known time, if they are a guest without client', [other({ renamedMs: 20 })], [Infinity, 20]],
    ['from their creation, if they had it last', [person({ renamedMs: 40, createdMs: 30 })], [30, -Infinity]],
    [
      'always, if they had it last, were made of a guest, and nobody else is known',
      [person({ renamedMs: 40, createdMs: 30, isGuest: true })],
      [-Infinity, -Infinity],
    ],
    [
      'from the creation of the first of their clients that had it',
      [person({ hasNow: true, createdMs: 30 }), person({ renamedMs: 20, createdMs: 10 }), other()],
      [10, -Infinity],
    ],
  ])('%s', (_, holders, [fromMs, othersUntilMs]) => {
    expect(toHistory(holders, true)).toEqual({ isPersons: true, fromMs, untilMs: Infinity, othersUntilMs })
  })
})

describe("a former name was the person's", () => {
  const had = { createdMs: 10, renamedMs: 20 }
  test.each<[string, readonly NameHolder[], readonly (number | undefined)[]]>([
    ['until the creation of who has it now', [person(had), other({ hasNow: true, createdMs: 30.7 })], [10, 30]],
    ['until the rename, if who has it now is older', [person(had), other({ hasNow: true, createdMs: 5 })], [10, 20]],
    ['until the rename, if nothing says how old that one is', [person(had), other({ hasNow: true })], [10, 20]],
    [
      'until the rename, if a third one has messages under it',
      [person(had), other({ hasNow: true, createdMs: 30 }), other()],
      [10, 20],
    ],
    [
      'at no known time without a rename',
      [person({ createdMs: 10 }), other({ hasNow: true, createdMs: 30 })],
      [Infinity, 30],
    ],
    ['at no known time without a creation', [person({ renamedMs: 20 }), other()], [Infinity, 20]],
  ])('%s', (_, holders, [fromMs, untilMs]) => {
    expect(toHistory(holders, false)).toEqual({ isPersons: false, fromMs, untilMs, othersUntilMs: -Infinity })
  })
})
