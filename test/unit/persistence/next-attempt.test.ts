import { expect, test } from 'vitest'
import { nextAttempt } from '../../../src/persistence/saving/next-attempt.js'
import { serverError } from '../../support/server-error.js'

const blocked = serverError('55P03', { where: 'while locking tuple (0,1) in relation "Client"' })
const rejected = serverError('23514', { constraint: 'short' })
const unknownReference = serverError('23503')
const noPrivilege = serverError('42501')
const raised = serverError('P0001', { where: 'PL/pgSQL function check_message() line 3 at RAISE' })
const brokenTrigger = serverError('42883', { where: 'PL/pgSQL function check_message() line 3 at PERFORM' })
const noTable = serverError('42P01')
const tableLocked = serverError('55P03')
const lost = new Error('Connection terminated unexpectedly')
const bug = new TypeError('x is not a function')

test.each([
  // what failed, with, messages, may unlink, next
  ['a row that another transaction holds', blocked, 'linked', 2, false, 'halve'],
  ['a row that another transaction holds', blocked, 'unlinked', 2, false, 'halve'],
  ['a row that another transaction holds', blocked, 'linked', 1, false, 'wait'],
  ['a row that another transaction holds', blocked, 'linked', 1, true, 'unlink'],
  ['a row that another transaction holds', blocked, 'unlinked', 1, true, 'wait'],
  ['a deadlock over a row', serverError('40P01', { where: 'while locking tuple' }), 'linked', 1, false, 'wait'],
  ['a constraint', rejected, 'linked', 2, false, 'halve'],
  ['a constraint', rejected, 'linked', 1, true, 'reject'],
  ['a constraint', rejected, 'unlinked', 2, false, 'halve'],
  ['a constraint', rejected, 'unlinked', 1, false, 'reject'],
  ['a client or operator that does not exist', unknownReference, 'linked', 3, false, 'halve'],
  ['a client or operator that does not exist', unknownReference, 'linked', 1, false, 'drop_references'],
  ['a client or operator that does not exist', unknownReference, 'unlinked', 1, false, 'drop_references'],
  ['a trigger that raises', raised, 'linked', 2, false, 'halve'],
  ['a trigger that raises', raised, 'linked', 1, false, 'reject'],
  ['a trigger that does not work', brokenTrigger, 'linked', 2, false, 'sample'],
  ['a trigger that does not work', brokenTrigger, 'linked', 1, true, 'suspect'],
  ['a trigger that does not work', brokenTrigger, 'unlinked', 1, false, 'suspect'],
  ['a missing privilege, or a row policy', noPrivilege, 'linked', 2, false, 'sample'],
  ['a missing privilege', noPrivilege, 'linked', 1, false, 'unlink'],
  ['a missing privilege, or a row policy', noPrivilege, 'unlinked', 2, false, 'sample'],
  ['a missing privilege, or a row policy', noPrivilege, 'unlinked', 1, false, 'suspect'],
  ['a missing table', noTable, 'linked', 2, false, 'unlink'],
  ['a missing table', noTable, 'unlinked', 2, false, 'throw'],
  ['a missing table', noTable, 'unlinked', 1, false, 'throw'],
  ['a locked table', tableLocked, 'linked', 2, false, 'throw'],
  ['a locked table', tableLocked, 'linked', 1, true, 'throw'],
  ['a server that shuts down', serverError('57P01'), 'linked', 1, true, 'throw'],
  ['a serialization failure', serverError('40001'), 'linked', 2, false, 'throw'],
  ['a lost connection', lost, 'linked', 2, false, 'throw'],
  ['a lost connection', lost, 'unlinked', 1, true, 'throw'],
  ['a bug', bug, 'linked', 1, false, 'throw'],
] as const)('after %s (%s), %s, %i messages, may unlink %s: %s', (_what, error, linking, size, mayUnlink, next) => {
  expect(nextAttempt(error, { linking, size, mayUnlink })).toBe(next)
})
