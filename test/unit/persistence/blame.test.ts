import { describe, expect, test } from 'vitest'
import { blamesTheRow, isTransient, mayConcernOneRow } from '../../../src/persistence/blame.js'
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
  NotInTransaction,
  NotReplicated,
  SchemaNotReady,
  IdTooLarge,
  StoreClosed,
  StoreError,
  StoreOverloaded,
  StoreUnavailable,
  TransactionConflict,
} = errors

const CONTEXT = { where: 'PL/pgSQL function check_message() line 3 at RAISE' }

const lost = new Error('Connection terminated unexpectedly')

const RAISED = [
  { error: new InvalidMessage(['text is empty']), blames: 'message', retryable: false },
  { error: new IdempotencyConflict('k', 1), blames: 'message', retryable: false },
  { error: new CharacterNotStorable(serverError('22P05')), blames: 'message', retryable: false },
  { error: new MessageNotStored(), blames: 'message', retryable: false },
  { error: new DatabaseRefused(serverError('23514', { constraint: 'short' })), blames: 'message', retryable: false },
  { error: new DatabaseRefused(serverError('42501')), blames: 'database', retryable: false },
  { error: new DatabaseRefused(serverError('42501', CONTEXT)), blames: 'database', retryable: false },
  { error: new DatabaseRefused(serverError('42501', CONTEXT), 'message'), blames: 'message', retryable: false },
  { error: new StoreUnavailable('gone', lost), blames: 'database', retryable: true },
  { error: new StoreOverloaded(10_000), blames: 'database', retryable: true },
  { error: new NotReplicated('no standby'), blames: 'database', retryable: true },
  { error: new SchemaNotReady('no table', undefined), blames: 'schema', retryable: false },
  { error: new InvalidCall('invalid_limit', 'limit is 0'), blames: 'caller', retryable: false },
  { error: new IdTooLarge('9007199254740993'), blames: 'database', retryable: false },
  { error: new StoreClosed(), blames: 'caller', retryable: false },
  { error: new NotInTransaction('no transaction has begun', lost), blames: 'caller', retryable: false },
  { error: new TransactionConflict(serverError('40001'), 'key'), blames: 'database', retryable: true },
] as const

describe('whose fault it is', () => {
  test.each(RAISED)('$error.name ($error.sqlState) blames the $blames', ({ error, blames, retryable }) => {
    expect(error.blames).toBe(blames)
    expect(error.retryable).toBe(retryable)
  })

  test('is in the table for every error class of the store', () => {
    const classes = Object.values(errors).filter(
      (value) => value === InvalidCall || Object.getPrototypeOf(value) === StoreError,
    )
    expect(classes.length).toBeGreaterThan(0)
    expect(new Set(RAISED.map(({ error }) => error.constructor))).toEqual(new Set(classes))
  })

  test.each([
    { what: 'a check', error: serverError('23514', { constraint: 'short' }), blames: 'message' },
    { what: "a rollback's guard", error: serverError('23514', { constraint: CLIENT_GUARD }), blames: 'schema' },
    {
      what: 'the former NOT NULL',
      error: serverError('23502', { table: 'ChatMessage', column: 'clientId' }),
      blames: 'schema',
    },
    {
      what: 'NOT NULL of a column that the core never fills',
      error: serverError('23502', { table: 'ChatMessage', column: 'a' }),
      blames: 'database',
    },
    {
      what: 'NOT NULL of a column that it fills',
      error: serverError('23502', { table: 'ChatMessage', column: 'text' }),
      blames: 'message',
    },
    { what: 'a table that is missing', error: serverError('42P01'), blames: 'schema' },
    { what: 'a missing privilege', error: serverError('42501'), blames: 'database' },
    {
      what: 'a table that a trigger of the application misses',
      error: serverError('42P01', CONTEXT),
      blames: 'database',
    },
  ])('$what, as the driver throws it: $blames', ({ error, blames }) => {
    expect(errors.explainRefusal(error)).toMatchObject({ blames })
  })
})

test.each([
  // code, transient, blames a row (with a context, too)
  ['08006', true, false],
  ['28P01', true, false],
  ['40001', true, false],
  ['40P01', true, false],
  ['53300', true, false],
  ['55P03', true, false],
  ['57014', true, false],
  ['57P01', true, false],
  ['25006', true, false],
  ['25P02', false, false],
  ['0A000', false, false],
  ['2200H', false, false],
  ['3F000', false, false],
  ['42501', false, false],
  ['42883', false, false],
  ['54001', false, false],
  ['55000', false, false],
  ['58030', false, false],
  ['72000', true, false],
  ['HV00N', false, false],
  ['XX000', false, false],
  ['22001', false, true],
  ['22P05', false, true],
  ['23502', false, true],
  ['23503', false, true],
  ['23505', false, true],
  ['23514', false, true],
  ['54000', false, true],
  ['P0001', false, true],
])('SQLSTATE %s: transient %s, blames the row %s', (code, passing, row) => {
  for (const fields of [{ constraint: 'some_check' }, CONTEXT]) {
    expect(isTransient(serverError(code, fields))).toBe(passing)
    expect(blamesTheRow(serverError(code, fields))).toBe(row)
  }
})

const OWN = 'PL/pgSQL function chatkeep.capture() line 9 at SQL statement'

test.each([
  // what, fields of the error, blames the row, may concern one row
  ['a check of the application', serverError('23514', { schema: 'public', constraint: 'short' }), true, false],
  ['a missing partition', serverError('23514', { schema: 'public', table: 'ChatMessage' }), false, true],
  ['a unique column of the application', serverError('23505', { constraint: 'ChatMessage_ticket_key' }), true, false],
  ['an id that another row has', serverError('23505', { constraint: 'ChatMessage_pkey' }), false, false],
  ['a check that a trigger raises', serverError('23514', CONTEXT), true, true],
  ['a check of our own table', serverError('23514', { schema: 'chatkeep', constraint: 'a' }), false, false],
  ['a key of our own table', serverError('23505', { schema: 'chatkeep_shop', constraint: 'a' }), false, false],
  ['an exception in our own trigger', serverError('P0001', { where: OWN }), false, true],
  [
    'the same in another schema',
    serverError('P0001', { where: OWN.replace('chatkeep', '"chatkeep_a b"') }),
    false,
    true,
  ],
  ['a function of a similar name', serverError('P0001', { where: OWN.replace('chatkeep', 'chatkeeper') }), true, true],
  ['a row that is too large', serverError('54000', { routine: 'RelationGetBufferForTuple' }), true, false],
  ['no more transaction ids', serverError('54000', { routine: 'GetNewTransactionId' }), false, false],
  ['a damaged page of an index', serverError('XX002'), false, true],
  ['a missing table', serverError('42P01'), false, false],
  ['a pooler in statement mode', serverError('08P01', { message: 'transaction blocks not allowed' }), false, false],
  ['a policy of row-level security', serverError('42501'), false, true],
])('%s', (_what, error, row, one) => {
  expect({ row: blamesTheRow(error), one: mayConcernOneRow(error) }).toEqual({ row, one })
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
