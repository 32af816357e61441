import { expect, test } from 'vitest'
import { poolerAnswer } from '../../../src/database/errors/pooler-error.js'
import { serverError } from '../../support/server-error.js'

test.for([
  ['08P01', 'query_wait_timeout', 'too_many_connections', 3, true],
  ['08P01', 'no more connections allowed (max_client_conn)', 'too_many_connections', 3, true],
  ['08P01', 'no more connections allowed', 'too_many_connections', 3, true],
  ['XX000', 'MaxClientsInSessionMode: max clients reached', 'too_many_connections', 3, true],
  ['08P01', 'server login has been failing, try again later (server_login_retry)', 'database_unreachable', 3, true],
  ['08P01', 'pgbouncer cannot connect to server', 'database_unreachable', 3, true],
  ['08P01', 'client_login_timeout (server down)', 'database_unreachable', 3, true],
  ['08P01', 'server conn crashed?', 'connection_lost', 3, true],
  ['08P01', 'server lifetime over', 'connection_lost', 3, true],
  ['08P01', 'idle transaction timeout', 'connection_lost', 3, true],
  ['08P01', 'query timeout', 'connection_lost', 3, true],
  ['08P01', 'database removed', 'connection_lost', 3, true],
  ['XX000', 'unable to read message kind', 'connection_lost', 3, true],
  ['08P01', 'no such database: crm', 'database_does_not_exist', 3, undefined],
  ['08P01', 'no such user: app', 'authentication_failed', 3, undefined],
  ['08P01', 'unsupported startup parameter: options', 'invalid_connection_setting', 2, undefined],
  ['08P01', 'transaction blocks not allowed in statement pooling mode', 'connection_pooler', 5, undefined],
] as const)('%s %s: %s, exit code %i', ([state, message, code, exitCode, retryable]) => {
  const answer = poolerAnswer(serverError(state, { message }))
  expect([answer?.code, answer?.exitCode, answer?.retryable]).toEqual([code, exitCode, retryable])
})

test('leaves to the server what is its own', () => {
  expect(poolerAnswer(serverError('08P01', { message: 'invalid message format' }))).toBeUndefined()
  expect(poolerAnswer(serverError('53300', { message: 'no more connections allowed' }))).toBeUndefined()
})
