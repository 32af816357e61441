import { describe, expect, test } from 'vitest'
import { blamesTheRow, isTransient } from '../../../src/persistence/blame.js'
import * as errors from '../../../src/persistence/errors.js'
import { serverError } from '../../support/server-error.js'

const {
  CharacterNotStorable,
  CLIENT_GUARD,
  DatabaseRefused,
  IdempotencyConflict,
  InvalidCall,
  InvalidMessage,
  MessageNotStored,
  SchemaNotReady,
  IdTooLarge,
  StoreClosed,
  StoreError,
  StoreOverloaded,
  StoreUnavailable,
} = errors

const CONTEXT = { where: 'PL/pgSQL function check_message() line 3 at RAISE' }

const lost = new Error('Connection terminated unexpectedly')

const RAISED = [
  { error: new InvalidMessage(['text is empty']), blames: 'message', retryable: false },
  { error: new IdempotencyConflict('k', 1), blames: 'message', retryable: false },
  { error: new CharacterNotStorable(serverError('22P05')), blames: 'message', retryable: false },
  { error: new MessageNotStored(), blames: 'message', retryable: false },
  { error: new DatabaseRefused(serverError('23514')), blames: 'message', retryable: false },
  { error: new DatabaseRefused(serverError('42501')), blames: 'database', retryable: false },
  { error: new DatabaseRefused(serverError('42501', CONTEXT)), blames: 'message', retryable: false },
  { error: new StoreUnavailable('gone', lost), blames: 'database', retryable: true },
  { error: new StoreOverloaded(10_000), blames: 'database', retryable: true },
  { error: new SchemaNotReady('no table', undefined), blames: 'schema', retryable: false },
  { error: new InvalidCall('invalid_limit', 'limit is 0'), blames: 'caller', retryable: false },
  { error: new IdTooLarge('9007199254740993'), blames: 'database', retryable: false },
  { error: new StoreClosed(), blames: 'caller', retryable: false },
] as const

describe('whose fault it is', () => {
  test.each(RAISED)('$error.name ($error.sqlState) blames the $blames', ({ error, blames, retryable }) => {
    expect(error.blames).toBe(blames)
    expect(error.retryable).toBe(retryable)
  })

  test('is in the table for every error class of the store', () => {
    const classes = Object.values(errors).filter((value) => Object.getPrototypeOf(value) === StoreError)
    expect(classes.length).toBeGreaterThan(0)
    expect(new Set(RAISED.map(({ error }) => error.constructor))).toEqual(new Set(classes))
  })

  test.each([
    { what: 'a check', error: serverError('23514'), blames: 'message' },
    { what: "a rollback's guard", error: serverError('23514', { constraint: CLIENT_GUARD }), blames: 'schema' },
    {
      what: 'the former NOT NULL',
      error: serverError('23502', { table: 'ChatMessage', column: 'clientId' }),
      blames: 'schema',
    },
    { what: 'another NOT NULL', error: serverError('23502', { table: 'ChatMessage', column: 'a' }), blames: 'message' },
    { what: 'a table that is missing', error: serverError('42P01'), blames: 'schema' },
    { what: 'a missing privilege', error: serverError('42501'), blames: 'database' },
  ])('$what, as the driver throws it: $blames', ({ error, blames }) => {
    expect(errors.explainRefusal(error)).toMatchObject({ blames })
  })
})

test.each([
  // code, transient, blames a row without context, blames it with one
  ['08006', true, false, false],
  ['28P01', true, false, false],
  ['40001', true, false, false],
  ['40P01', true, false, false],
  ['53300', true, false, false],
  ['55P03', true, false, false],
  ['57014', true, false, false],
  ['57P01', true, false, false],
  ['25006', true, false, false],
  ['25P02', false, false, true],
  ['0A000', false, false, true],
  ['2200H', false, false, true],
  ['3F000', false, false, true],
  ['42501', false, false, true],
  ['58030', false, false, true],
  ['XX000', false, false, true],
  ['22001', false, true, true],
  ['22P05', false, true, true],
  ['23502', false, true, true],
  ['23503', false, true, true],
  ['23505', false, true, true],
  ['23514', false, true, true],
  ['54000', false, true, true],
  ['P0001', false, true, true],
])('SQLSTATE %s: transient %s, blames the row %s, with a context %s', (code, passing, row, withContext) => {
  expect(isTransient(serverError(code))).toBe(passing)
  expect(blamesTheRow(serverError(code))).toBe(row)
  expect(blamesTheRow(serverError(code, CONTEXT))).toBe(withContext)
})

test.each([
  ['a refused connection', Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), true],
  ['a lost connection', lost, true],
  ['a bug', new TypeError('x is not a function'), false],
  ['no error', undefined, false],
])('%s: transient %s', (_what, error, passing) => {
  expect(isTransient(error)).toBe(passing)
  expect(blamesTheRow(error)).toBe(false)
})
