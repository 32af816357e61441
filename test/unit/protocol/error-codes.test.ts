import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { OperatorError } from '../../../src/errors.js'
import { notQueued, queuedConflict } from '../../../src/journal/journal-errors.js'
import {
  DatabaseRefused,
  IdempotencyConflict,
  InvalidMessage,
  CharacterNotStorable,
  MessageNotStored,
  SchemaNotReady,
  StoreClosed,
  StoreOverloaded,
  StoreUnavailable,
} from '../../../src/persistence/errors.js'
import { heldByOthers } from '../../../src/persistence/locks/held-by-others.js'
import { ERROR_CODES, isErrorCode, mayBeStoredAfter, rulesOf } from '../../../src/protocol/error-codes.js'
import * as refusals from '../../../src/protocol/refusals.js'
import { isServerFault, toWireError } from '../../../src/server/events/wire-error.js'
import { serverError } from '../../support/server-error.js'
import { filesBelow, src } from '../../support/source-tree.js'

const LIBRARY_ONLY: Readonly<Record<string, string>> = {
  client_merged: 'thrown when clients are renamed or merged',
  client_not_found: 'thrown when clients are renamed or merged',
  ids_not_in_order: 'thrown by a subscription',
  ids_went_back: 'reported by a subscription',
  insufficient_privilege: 'thrown by commands that count rows',
  invalid_option: 'thrown when a store is created, and by calls that the server does not make',
  merge_refused: 'thrown when clients are merged',
  message_not_found: 'thrown by an edit',
  messages_are_referenced: 'thrown by retain and erase',
  migration_lock_held: 'thrown by calls that delete',
  not_in_transaction: 'thrown by a save in the transaction of the caller',
  polling_only: 'reported by a subscription',
  privilege_missing: 'thrown when serve starts',
  rows_kept: 'thrown by calls that delete',
  store_closed: 'sent as database_unavailable',
  transaction_conflict: 'thrown by a save in the transaction of the caller',
  unknown_role: 'thrown by verify',
  username_taken: 'thrown when a client is renamed',
}

const refusedByServer = new DatabaseRefused(
  Object.assign(new Error('secret'), { name: 'error', code: '42501', severity: 'ERROR' }),
)

describe('the table of error codes', () => {
  test('has every code that the core throws', () => {
    const codes = filesBelow(join(src, 'persistence')).flatMap((file) =>
      Array.from(
        readFileSync(file, 'utf8').matchAll(/(?:OperatorError|InvalidCall|super)\(\s*'([a-z_]+)'/g),
        ([, code = '']) => code,
      ),
    )
    expect(codes.length).toBeGreaterThan(10)
    expect([...new Set(codes.filter((code) => !isErrorCode(code)))].sort()).toEqual(Object.keys(LIBRARY_ONLY).sort())
  })

  test('has no code that nothing throws', () => {
    const sources = ['persistence', 'protocol/refusals.ts', 'journal']
      .flatMap((path) => (path.endsWith('.ts') ? [join(src, path)] : filesBelow(join(src, path))))
      .map((file) => readFileSync(file, 'utf8'))
      .join()
    const unused = Object.keys(ERROR_CODES).filter((code) => !sources.includes(`'${code}'`))
    // `internal` stands for every error that is none of ours.
    expect(unused).toEqual(['internal'])
  })

  test('asks the client to send a message again only under a code that can pass', () => {
    const later = Object.entries(ERROR_CODES).filter(([, { repeat }]) => repeat === 'later')
    expect(later.map(([code]) => code)).toMatchInlineSnapshot(`
      [
        "conversation_may_be_elsewhere",
        "not_joined",
        "operators_unchecked",
        "rate_limited",
        "join_timeout",
        "too_many_pending",
        "too_many_connections",
        "server_closing",
        "database_unavailable",
        "lock_not_available",
        "not_replicated",
        "store_overloaded",
        "schema_not_ready",
      ]
    `)
  })

  test('says that a message may be stored only where work on it may have begun', () => {
    expect(Object.keys(ERROR_CODES).filter(mayBeStoredAfter)).toMatchInlineSnapshot(`
      [
        "server_closing",
        "database_unavailable",
        "lock_not_available",
        "not_replicated",
        "database_refused",
        "id_too_large",
        "internal",
      ]
    `)
    expect(mayBeStoredAfter('code_of_a_newer_server')).toBe(true)
    expect(rulesOf('toString')).toBeUndefined()
  })
})

describe('what a client reads of an error', () => {
  const SECRET = 'connect ECONNREFUSED 10.0.0.7'
  test.each<[unknown, string, string | RegExp, 'client' | 'server']>([
    [new InvalidMessage(['text is empty']), 'invalid_message', /text is empty$/, 'client'],
    [new IdempotencyConflict('key', 7), 'idempotency_conflict', /^the messageId belongs to/, 'client'],
    [queuedConflict('m1'), 'idempotency_conflict', /"m1"/, 'client'],
    [new OperatorError('invalid_cursor', 'no cursor'), 'invalid_cursor', 'no cursor', 'client'],
    [notQueued(new OperatorError('journal_full', SECRET)), 'database_unavailable', /journal is full$/, 'client'],
    [new StoreUnavailable(SECRET, undefined), 'database_unavailable', /^the database is unavailable/, 'server'],
    [new StoreUnavailable('', heldByOthers({}, SECRET)), 'lock_not_available', /^another transaction/, 'server'],
    [new StoreClosed(), 'database_unavailable', /^the database is unavailable/, 'server'],
    [new StoreOverloaded(9), 'store_overloaded', /^too many messages/, 'server'],
    [new SchemaNotReady(SECRET, undefined), 'schema_not_ready', /^the database is not ready/, 'server'],
    [refusedByServer, 'database_refused', /^the database refused/, 'server'],
    [new CharacterNotStorable(serverError('22P05')), 'character_not_storable', /cannot store$/, 'server'],
    [new MessageNotStored(), 'message_not_stored', /see the server log$/, 'server'],
    [new TypeError(SECRET), 'internal', /^internal error/, 'server'],
    [new OperatorError('not_in_the_table', SECRET), 'internal', /^internal error/, 'server'],
    ['no error at all', 'internal', /^internal error/, 'server'],
  ])('%s', (error, code, message, fault) => {
    const sent = toWireError(error)
    expect(sent.code).toBe(code)
    expect(sent.message).toMatch(message)
    expect(sent.message).not.toContain(SECRET)
    expect(sent.retryable).toBe(rulesOf(code)?.repeat === 'later')
    expect(isServerFault(error)).toBe(fault === 'server')
  })

  test('every refusal keeps its own text and is not logged as a fault', () => {
    const made = [
      refusals.invalidPayload('join', ['role is missing']),
      refusals.invalidToken(),
      refusals.notJoined(),
      refusals.joinRefused({ code: 'invalid_payload', message: 'phone is a number', retryable: false }),
      refusals.tooManyBeforeJoin('this connection'),
      refusals.forbidden('client'),
      refusals.wrongOperatorSecret(),
      refusals.operatorsDisabled(),
      refusals.removedOperator(),
      refusals.inactiveOperator(),
      refusals.operatorsUnchecked(),
      refusals.unknownConversation(),
      refusals.nobodyThen('ana'),
      refusals.unknownHere('ana'),
      refusals.unknownEvent(),
      refusals.rateLimited(20),
      refusals.tooManyPending('this server'),
      refusals.tooManyConnections(5),
      refusals.joinTimeout(1_000),
      refusals.invalidPacket(),
      refusals.overTraffic('3 new names'),
      refusals.tooManyGuesses(1_000),
      refusals.serverClosing(),
    ]
    expect(made).toHaveLength(Object.keys(refusals).length)
    for (const error of made) {
      expect(toWireError(error)).toMatchObject({ code: error.code, message: error.message })
      expect(isServerFault(error)).toBe(false)
    }
  })
})
