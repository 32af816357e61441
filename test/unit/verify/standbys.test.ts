import { describe, expect, test } from 'vitest'
import { whyCommitsWait, whyNotReplicated } from '../../../src/database/replication/commit-state.js'
import { parseStandbyNames } from '../../../src/database/replication/standby-names.js'
import type { ReplicationSlot, ReplicationState, Standby } from '../../../src/database/replication/replication-state.js'
import type { ServerSituation } from '../../../src/verify/check.js'
import { committingRoles } from '../../../src/verify/checks/server/committing-roles.js'
import { replicationSlots } from '../../../src/verify/checks/server/replication-slots.js'
import { standbys } from '../../../src/verify/checks/server/standbys.js'
import type { ServerFacts } from '../../../src/verify/facts/server-facts.js'
import { survivalOf } from '../../../src/verify/facts/survival.js'
import { ALONE, standby } from '../../support/replication-facts.js'

test.for([
  ['', undefined],
  ['*', { needed: 1, names: ['*'] }],
  ['s1, S2', { needed: 1, names: ['s1', 's2'] }],
  ['2 (s1,s2, s3)', { needed: 2, names: ['s1', 's2', 's3'] }],
  ['FIRST 1 (s1)', { needed: 1, names: ['s1'] }],
  ['any 2 ("Node ""A"" (1)", any, 7)', { needed: 2, names: ['node "a" (1)', 'any', '7'] }],
] as const)('reads synchronous_standby_names: %s', ([setting, expected]) => {
  expect(parseStandbyNames(setting)).toEqual(expected)
})

const ON = { value: 'on', source: 'default' }

const serverFacts = (replication: Partial<ReplicationState>, more: Partial<ServerFacts> = {}): ServerFacts => ({
  serverVersion: '18.4',
  ...{ fsync: ON, synchronousCommit: ON, fullPageWrites: ON },
  timeZone: { value: 'UTC', isUtc: true },
  commitSettings: [],
  user: 'app',
  encoding: 'UTF8',
  schemaExists: true,
  ...{ unloggedTables: [], ownTriggers: [], runningChanges: [] },
  replication: { ...ALONE, ...replication },
  ...more,
})

const situation = (server: ServerFacts): ServerSituation => ({
  server,
  database: 'crm',
  schema: 'public',
  applicationRole: undefined,
})

const setTo = (value: string): Partial<ServerFacts> => ({ synchronousCommit: { value, source: 'user' } })

const sync = standby({ name: 'a', isSynchronous: true, syncState: 'sync' })
const hidden = standby({ name: 'a', syncState: null, missingBytes: null })
const late = standby({ missingBytes: 12_345, missingS: 0.151 })
const subscriber = standby({ isSubscriber: true })
const archiver = standby({ isArchiver: true, missingBytes: null })

/** Who is connected and waited for; what verify finds, and what a message survives. */
test.for<[string, Partial<ReplicationState>, Partial<ServerFacts>, string[], string]>([
  [
    'nobody',
    {},
    {},
    [],
    'server-crash: an acknowledged message survives a crash of this server, not the loss of its disk',
  ],
  [
    'nobody, and the server does not wait for its disk',
    {},
    { fsync: { value: 'off', source: 'configuration file' } },
    [],
    'process-crash: an acknowledged message survives a crash of PostgreSQL, not of its machine: fsync is off',
  ],
  [
    'standbys that nobody waits for',
    { standbys: [standby({ missingBytes: 1e6 }), late, subscriber] },
    {},
    ['standbys_not_awaited note empty: 2 standbys connected; a failover now would lose 12 kB of WAL, 151 ms'],
    'server-crash: an acknowledged message survives a crash of this server; a failover now would lose 12 kB of WAL, 151 ms',
  ],
  [
    'standbys that nobody waits for, and this role may not see',
    { standbys: [hidden] },
    {},
    [
      'standbys_not_awaited note empty: 1 standby connected; a failover now would lose what the standbys lack, which this role may not see',
    ],
    'server-crash: an acknowledged message survives a crash of this server; a failover now would lose what the standbys lack, which this role may not see',
  ],
  [
    'a standby that has just come',
    { standbys: [standby({ missingBytes: null })] },
    {},
    [
      'standbys_not_awaited note empty: 1 standby connected; a failover now would lose what the standbys lack, which they have not reported yet',
    ],
    'server-crash: an acknowledged message survives a crash of this server; a failover now would lose what the standbys lack, which they have not reported yet',
  ],
  [
    'a subscriber and pg_receivewal, which are no copies',
    { standbys: [subscriber, archiver] },
    {},
    [],
    'server-crash: an acknowledged message survives a crash of this server, not the loss of its disk',
  ],
  [
    'the standby that is named',
    { standbys: [sync], standbyNames: 'FIRST 1 (A)' },
    {},
    [],
    'server-loss: an acknowledged message survives the loss of this server: 1 of 1 synchronous standby has it on disk',
  ],
  [
    'one of two that are named',
    { standbys: [sync], standbyNames: 'ANY 1 (a, "B")' },
    {},
    ['synchronous_standby_missing warning none is connected as "b"'],
    'server-loss: an acknowledged message survives the loss of this server: 1 of 2 synchronous standbys has it on disk',
  ],
  [
    'one, where two are waited for',
    { standbys: [sync], standbyNames: '2 (a, b)' },
    {},
    ['no_synchronous_standby error only 1 is connected: every commit waits'],
    'nothing: no message is acknowledged: every commit waits for 1 standby',
  ],
  [
    'a subscriber, which can confirm a commit',
    { standbys: [sync, { ...sync, name: 'sub', isSubscriber: true }], standbyNames: 'ANY 1 (a, sub)' },
    {},
    [
      'synchronous_standby_no_copy warning "ANY 1 (a, sub)": a commit can be confirmed by sub, which is no copy of the server',
    ],
    'server-crash: an acknowledged message survives a crash of this server; a failover now would lose nothing at this moment; a commit can be confirmed by sub, which is no copy of the server',
  ],
  [
    'a subscriber alone, to a role that may not see it',
    { standbys: [{ ...hidden, name: 'sub', isSubscriber: true }], standbyNames: 'sub' },
    {},
    ['standbys_hidden warning unknown: the role app may not see it'],
    'server-crash: an acknowledged message survives a crash of this server, not the loss of its disk; a commit can be confirmed by sub, which is no copy of the server',
  ],
  [
    'a subscriber, and a standby that has every commit all the same',
    { standbys: [sync, { ...sync, name: 'sub', isSubscriber: true }], standbyNames: '2 (a, sub)' },
    {},
    [],
    'server-loss: an acknowledged message survives the loss of this server: 1 of 2 synchronous standbys has it on disk',
  ],
  [
    'none, with a setting that the store turns on',
    { standbyNames: 'nobody' },
    setTo('off'),
    ['no_synchronous_standby error none is connected: every commit waits'],
    'nothing: no message is acknowledged: every commit waits for 1 standby',
  ],
  [
    'one under another name, which any role sees',
    { standbys: [hidden], standbyNames: 'b' },
    {},
    ['no_synchronous_standby error none is connected: every commit waits'],
    'nothing: no message is acknowledged: every commit waits for 1 standby',
  ],
  [
    'one that this role may not see',
    { standbys: [hidden], standbyNames: '*' },
    {},
    ['standbys_hidden warning unknown: the role app may not see it'],
    'unknown: whether an acknowledged message survives the loss of this server is unknown to this role',
  ],
  [
    'one, in memory',
    { standbys: [sync], standbyNames: '*' },
    setTo('remote_write'),
    ['commit_not_replicated note remote_write (user): a standby has the commit in memory, perhaps not on disk'],
    'server-loss: an acknowledged message survives the loss of this server: 1 synchronous standby has it in memory',
  ],
  [
    'one that commits do not wait for',
    { standbys: [sync], standbyNames: 'a, b' },
    setTo('local'),
    [
      'synchronous_standby_missing warning none is connected as "b"',
      'commit_not_replicated warning local (user): a failover loses what has not reached the standby',
    ],
    'server-crash: an acknowledged message survives a crash of this server; a failover now would lose nothing at this moment',
  ],
  [
    'a standby of its own',
    { isStandby: true, behindS: 3, standbys: [late], standbyNames: 'x' },
    {},
    [],
    'unknown: an acknowledged message survives what its primary promises: run verify there',
  ],
])('connected: %s', ([, replication, more, findings, survival]) => {
  const server = serverFacts(replication, more)
  const found = standbys.findings(situation(server))
  expect(found.map(({ severity, code, actual }) => `${code} ${severity} ${actual}`)).toEqual(findings)
  const { level, text } = survivalOf(server)
  expect(`${level}: ${text}`).toBe(survival)
})

test.for([
  [
    'app',
    'b',
    'local',
    [
      'commit_not_replicated note local (set for the role in this database): a failover loses what has not reached the standby',
    ],
  ],
  [
    'b',
    'b',
    'local',
    [
      'commit_not_replicated warning local (set for the role in this database): a failover loses what has not reached the standby',
    ],
  ],
  [
    'b',
    'b',
    'Remote_Write',
    [
      'commit_not_replicated note remote_write (set for the role in this database): a standby has the commit in memory, perhaps not on disk',
    ],
  ],
  ['b', 'b', 'remote_apply', []],
] as const)('the application is %s, and %s commits with %s', ([application, role, value, expected]) => {
  const server = serverFacts({ standbyNames: '*' }, { user: 'me', commitSettings: [{ role, inDatabase: true, value }] })
  const found = committingRoles.findings({
    ...situation(server),
    applicationRole: { role: application, tables: [], deniedSchemas: [], deniedSequences: [] },
  })
  expect(found.map(({ severity, code, actual }) => `${code} ${severity} ${actual}`)).toEqual(expected)
})

test.for<[string, string, readonly Standby[], string | undefined]>([
  ['*', 'on', [sync], undefined],
  ['a', 'on', [hidden], undefined],
  ['*', 'local', [sync], 'synchronous_commit is local, so no commit waits for a standby'],
  ['*', 'off', [], '0 of 1 synchronous standbys are attached'],
  ['*', 'on', [{ ...sync, isSubscriber: true }], 'a commit can be confirmed by a, which is no copy of the server'],
  ['*', 'on', [{ ...hidden, isArchiver: true }], 'a commit can be confirmed by a, which is no copy of the server'],
])('why nothing is replicated: %s, %s', ([standbyNames, synchronousCommit, attached, reason]) => {
  const commits = { standbyNames, synchronousCommit, standbys: attached }
  expect(whyNotReplicated(commits)).toBe(reason)
})

test.for<[string, string, readonly Standby[], string | undefined]>([
  ['', 'on', [], undefined],
  ['*', 'on', [sync], undefined],
  ['a', 'on', [hidden], undefined],
  ['*', 'local', [], undefined],
  ['a', 'on', [], '0 of 1 synchronous standbys are attached'],
  ['2 (a, b)', 'on', [sync], '1 of 2 synchronous standbys are attached'],
])('why every commit waits: %s, %s', ([standbyNames, synchronousCommit, attached, reason]) => {
  expect(whyCommitsWait({ standbyNames, synchronousCommit, standbys: attached })).toBe(reason)
})

test('whether every commit waits depends on how the application commits', () => {
  const waits = (own: string, ofApplication: string): boolean => {
    const commitSettings = [{ role: 'b', inDatabase: true, value: ofApplication }]
    const server = serverFacts({ standbyNames: 'nobody' }, { ...setTo(own), commitSettings })
    const applicationRole = { role: 'b', tables: [], deniedSchemas: [], deniedSequences: [] }
    return standbys
      .findings({ ...situation(server), applicationRole })
      .some(({ code }) => code === 'no_synchronous_standby')
  }
  expect([waits('local', 'off'), waits('on', 'Local'), waits('local', 'remote_write')]).toEqual([true, false, true])
})

test('what a message survives depends on how the application commits', () => {
  const commitSettings = [{ role: 'b', inDatabase: false, value: 'local' }]
  const server = serverFacts({ standbys: [sync], standbyNames: '*' }, { commitSettings })
  expect([survivalOf(server).level, survivalOf(server, 'b').level]).toEqual(['server-loss', 'server-crash'])
})

describe('a replication slot', () => {
  const slot = (more: Partial<ReplicationSlot>): ReplicationSlot => ({
    ...{
      name: 'dr',
      isActive: false,
      walStatus: 'reserved',
      keptBytes: 5e9,
      inactiveS: 7_300,
      invalidationReason: null,
    },
    ...more,
  })
  test.for<[string, Partial<ReplicationSlot>, Partial<ReplicationState>, string[]]>([
    ['in use', { isActive: true }, {}, []],
    ['unused for a moment, as while its user restarts', { inactiveS: 59 }, {}, []],
    ['never used', { keptBytes: null, walStatus: null }, {}, []],
    ['kept for a failover on a standby', {}, { isStandby: true }, []],
    [
      'unused, without a limit',
      {},
      {},
      ['slot_inactive warning unused for 2 h; the server keeps 5.0 GB of WAL for it, without a limit'],
    ],
    [
      'unused, with a limit, before PostgreSQL 17',
      { inactiveS: null },
      { mostKeptBytes: 64e9 },
      ['slot_inactive note unused; the server keeps 5.0 GB of WAL for it, of at most 64 GB'],
    ],
    ['lost', { walStatus: 'lost' }, {}, ['slot_lost warning lost: what uses it cannot go on']],
    [
      'invalidated, also on a standby',
      { walStatus: 'reserved', invalidationReason: 'idle_timeout' },
      { isStandby: true },
      ['slot_lost warning reserved (idle_timeout): what uses it cannot go on'],
    ],
  ])('%s', ([, given, replication, expected]) => {
    const server = serverFacts({ slots: [slot(given)], ...replication })
    const found = replicationSlots.findings(situation(server))
    expect(found.map(({ severity, code, actual }) => `${code} ${severity} ${actual}`)).toEqual(expected)
  })
})
