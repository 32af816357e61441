import { expect, test } from 'vitest'
import * as chatkeep from '../../src/index.js'
import { NotReplicated } from '../../src/persistence/errors.js'
import { serverError } from '../support/server-error.js'

const { httpStatusOf } = chatkeep

const CASES = [
  [new chatkeep.InvalidMessage(['text is empty']), 400],
  [new chatkeep.InvalidCall('invalid_limit', 'limit is 0'), 400],
  [new chatkeep.CharacterNotStorable(serverError('22P05')), 400],
  [new chatkeep.ClientNotFound(1), 404],
  [new chatkeep.MessageNotFound(1), 404],
  [new chatkeep.IdempotencyConflict('key', 1), 409],
  [new chatkeep.UsernameTaken('ana', 1, 'client 1 has it'), 409],
  [new chatkeep.ClientMerged(1, 2), 409],
  [new chatkeep.MergeRefused('rows refer to client 1', { hint: 'move them' }), 409],
  [new chatkeep.TransactionConflict(serverError('40001'), 'key'), 409],
  [new chatkeep.MessageNotStored(), 422],
  [new chatkeep.DatabaseRefused(serverError('23514', { constraint: 'short' })), 422],
  [new chatkeep.DatabaseRefused(serverError('42501')), 500],
  [new chatkeep.NotInTransaction('no transaction has begun', undefined), 500],
  [new chatkeep.IdTooLarge('9007199254740993'), 500],
  [new chatkeep.StoreUnavailable('gone', new Error('gone')), 503],
  [new chatkeep.StoreOverloaded(10_000), 503],
  [new chatkeep.SchemaNotReady('"guestUsername" is missing', undefined), 503],
  [new chatkeep.StoreClosed(), 503],
  [new NotReplicated('none is connected'), 503],
  [AbortSignal.abort().reason, 499],
  [new DOMException('too late', 'TimeoutError'), 504],
  [new TypeError('a bug'), 500],
  ['no error at all', 500],
] as const

test.each(CASES)('%s is answered with %i', (error, status) => {
  expect(httpStatusOf(error)).toBe(status)
})

test('every error class of the store has its status in this test', () => {
  const classes = Object.values(chatkeep).filter(
    (value) => typeof value === 'function' && value.prototype instanceof chatkeep.StoreError,
  )
  const covered = CASES.map(([error]) => (error as object).constructor)
  expect(classes.filter((one) => !covered.includes(one))).toEqual([])
})
