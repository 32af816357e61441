import { describe, expect, test } from 'vitest'
import { ConnectionProblem } from '../../../src/database/connection-failure.js'
import { stageOf } from '../../../src/database/connection-stage.js'
import { abilitiesOf, DATABASE_COMMANDS } from '../../../src/doctor/commands.js'
import { describeProxy, describeStages } from '../../../src/doctor/describe.js'
import { connectionProblems, describeEnd } from '../../../src/doctor/problems.js'
import { toSetting } from '../../../src/doctor/server-settings.js'
import { OperatorError } from '../../../src/errors.js'
import { serverError } from '../../support/server-error.js'

const withCode = (code: string): Error => Object.assign(new Error('failed'), { code })

describe('the stage of a failed connection', () => {
  test.for([
    ['name', withCode('ENOTFOUND')],
    ['name', withCode('EAI_AGAIN')],
    ['name', new ConnectionProblem('late', 'network', undefined, 'name')],
    ['tcp', withCode('ECONNREFUSED')],
    ['tcp', withCode('ENOENT')],
    ['tcp', new AggregateError([withCode('EHOSTUNREACH')])],
    ['answer', withCode('ECONNRESET')],
    ['answer', new ConnectionProblem('late', 'network', undefined, 'answer')],
    ['answer', new Error('timeout expired')],
    ['tls', new ConnectionProblem('late', 'network', undefined, 'tls')],
    ['tls', withCode('DEPTH_ZERO_SELF_SIGNED_CERT')],
    ['authentication', new ConnectionProblem('none', 'password')],
    ['authentication', serverError('28P01')],
    ['database', serverError('3D000')],
    ['database', serverError('42501')],
    ['pooler', serverError('08P01', { message: 'no such database: crm' })],
    ['pooler', serverError('08P01')],
    ['session', serverError('53300')],
    ['session', serverError('57P03')],
    ['session', new ConnectionProblem('it is a standby', 'unsuitable')],
  ] as const)('is %s: %s', ([stage, error]) => {
    expect(stageOf(error)).toBe(stage)
  })

  test('stands behind those that succeeded, without those that the connection does not have', () => {
    const source = { kind: 'default', name: '' } as const
    const stages = (failed: Parameters<typeof describeStages>[0], host: string, sslmode: string): string =>
      describeStages(failed, [
        { name: 'host', value: host, source },
        { name: 'sslmode', value: sslmode, source },
      ])
    expect(stages('session', 'db1', 'require')).toBe(
      'host name ok, TCP ok, answer ok, TLS ok, authentication ok, database ok, session FAILED',
    )
    expect(stages('authentication', '::1', 'prefer')).toBe('TCP ok, answer ok, authentication FAILED')
    expect(stages('tcp', '/run/postgresql', 'require')).toBe('socket FAILED')
    expect(stages('pooler', 'db1', 'disable')).toBe('host name ok, TCP ok, answer ok, pooler FAILED')
  })
})

test('a command cannot run for the first of its needs that is not met', () => {
  const [writable, privileges] = ['read_only_database', 'privilege_missing'].map((code) => new OperatorError(code, ''))
  const unmet = new Map([
    ['store', privileges],
    ['writable', writable],
  ] as const).entries()
  const given = new Map(Array.from(unmet, ([need, error]) => [need, error ?? new OperatorError('', '')]))
  const codes = Object.fromEntries(
    abilitiesOf(DATABASE_COMMANDS, given).map(({ command, obstacle }) => [command, obstacle?.code]),
  )
  expect(codes).toMatchObject({ serve: 'read_only_database', reconcile: 'read_only_database' })
  expect(codes.migrate ?? codes.verify ?? codes.rollback ?? codes.metrics).toBeUndefined()
})

describe('the source of a setting that our own session pinned', () => {
  const row = {
    name: 'statement_timeout',
    value: '0',
    bootValue: '0',
    unit: 'ms',
    source: 'session',
    isPending: false,
    roleSource: null,
  }
  test.for([
    ['default', 'none', {}, undefined],
    ['configuration file', '30.0 s', { value: '30000' }, undefined],
    ['database user', '5 ms', { value: '5', roleSource: 'database user' }, undefined],
    ['client', '5 ms', { value: '5', roleSource: 'user' }, '-c statement_timeout=5ms'],
    ['client', '5 ms', { value: '5' }, '--Statement_Timeout=5ms'],
    ['command line', '5 ms', { value: '5', source: 'command line' }, undefined],
  ] as const)('is %s', ([source, value, change, options]) => {
    expect(toSetting({ ...row, ...change }, options)).toMatchObject({ source, value })
  })
})

describe('problems of a connection', () => {
  const now = new Date('2026-11-28T12:00:00Z')
  const healthy = {
    now,
    unverified: undefined,
    encryption: undefined,
    settings: [],
    server: {
      version: '18.4',
      ...{ isStandby: false, behindS: null, isDetached: false },
      connectionsUsed: 1,
      connectionsAllowed: 97,
      databaseLimit: null,
      roleLimit: null,
      synchronousStandbys: 0,
    },
    role: {
      role: 'app',
      login: 'app',
      isSuperuser: false,
      bypassesRowSecurity: false,
      mayCreateInDatabase: false,
      mayCreateInSchema: false,
      mayReadStatistics: false,
      memberOf: [],
      owns: [],
      others: [],
      passwordEndsAt: null,
    },
  }
  test.for([
    ['none', {}, []],
    ['a full server', { server: { ...healthy.server, connectionsUsed: 90 } }, ['warning connections_nearly_used']],
    [
      'a password that ended',
      { role: { ...healthy.role, passwordEndsAt: new Date('2026-11-27T12:00:00Z') } },
      ['error password_ends_soon'],
    ],
    ['a server that is not checked', { unverified: 'not encrypted. Set sslmode' }, ['warning server_not_verified']],
  ] as const)('%s', ([, change, expected]) => {
    const found = connectionProblems({ ...healthy, ...change })
    expect(found.map(({ severity, code }) => `${severity} ${code}`)).toEqual(expected)
  })

  test.for([
    ['2026-11-27T00:00:00Z', 'ended on 2026-11-27'],
    ['2026-11-29T11:00:00Z', 'ends within a day, on 2026-11-29'],
    ['2026-11-30T11:00:00Z', 'ends in 1 day, on 2026-11-30'],
    ['2027-11-28T12:00:00Z', 'ends in 365 days, on 2027-11-28'],
  ] as const)('an end at %s: %s', ([end, text]) => {
    expect(describeEnd(new Date(end), now)).toBe(text)
  })
})

test.for([
  [undefined, 'direct, no pooler'],
  [{ kind: 'relay', product: undefined, shared: undefined }, 'passed on by a proxy that keeps sessions'],
  [
    { kind: 'pooler', product: 'PgBouncer', shared: undefined },
    'through PgBouncer, which keeps a session for each client',
  ],
  [{ kind: 'pooler', product: undefined, shared: { kind: 'shared' } }, 'through a pooler that does not say its name'],
] as const)('names what stands in between: %j', ([proxy, text]) => {
  expect(describeProxy(proxy)).toContain(text)
})
