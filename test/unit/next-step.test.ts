import { describe, expect, test } from 'vitest'
import { OperatorError } from '../../src/errors.js'
import {
  again,
  chatkeep,
  confirmedRollback,
  describeSteps,
  or,
  shell,
  sql,
  toStepDocuments,
  type Next,
  type TargetNaming,
} from '../../src/next-step.js'

const naming: TargetNaming = {
  flags: ['--database-url postgres://db.example/crm', '--schema crm'],
  migrationFlags: ['--migrations ./own'],
  remarks: [],
  confirmation: 'db.example/crm',
  typed: ['rollback', '--to', '3', '--max-wait', '1s'],
}

describe('a next step', () => {
  test.for<[string, Next, string]>([
    [
      'a command of chatkeep names the database as the run did',
      chatkeep('metrics'),
      'chatkeep metrics --database-url postgres://db.example/crm --schema crm',
    ],
    [
      'a command that reads migrations names their folder, too',
      chatkeep('verify', 'see what is left'),
      'see what is left: chatkeep verify --migrations ./own --database-url postgres://db.example/crm --schema crm',
    ],
    [
      'a rollback is confirmed as the run has to be',
      confirmedRollback('crm', ['--to 3']),
      'chatkeep rollback --to 3 --confirm db.example/crm --migrations ./own --database-url postgres://db.example/crm --schema crm',
    ],
    ['the command that was typed, and a flag', again('--max-wait 10m'), 'chatkeep rollback --to 3 --max-wait 10m'],
    ['another command line stands as it is', shell('chatkeep explain index_missing'), 'chatkeep explain index_missing'],
    [
      'SQL has its tool and its semicolons',
      sql(['DROP VIEW v', 'DROP VIEW w'], 'first'),
      'first, in psql: DROP VIEW v; DROP VIEW w;',
    ],
    [
      'steps follow each other, or exclude each other',
      ['stop the writers', sql('DROP VIEW v'), or(shell('exit'))],
      'stop the writers; then in psql: DROP VIEW v; or exit',
    ],
  ])('%s', ([, next, text]) => {
    expect(describeSteps(next, naming)).toBe(text)
  })

  test('names no database where none is known, as in the library', () => {
    expect(describeSteps(confirmedRollback('crm prod'))).toBe(`chatkeep rollback --confirm 'crm prod'`)
    expect(describeSteps(again('', 'it continues'))).toBe('it continues: run the same command again')
    expect(describeSteps(again('--yes'))).toBe('run the same command again with --yes')
  })

  test.each([
    [again(), 'make the call again'],
    [again('', 'in a moment'), 'in a moment: make the call again'],
    [
      again('--keep-client --batch-size 10', 'keep it'),
      'keep it: make the call again with keepClient: true, batchSize: 10',
    ],
    ['check the database and --schema', 'check the database and schema'],
    [chatkeep('verify --quick'), 'chatkeep verify --quick'],
  ])('is a call and its options for an application: %j', (next, text) => {
    expect(describeSteps(next, 'caller')).toBe(text)
    expect(new OperatorError('code', 'message', { hint: next }).hint).toBe(text)
  })

  test('is typed for programs', () => {
    expect(toStepDocuments(['wait', or(again())], naming)).toEqual([
      { kind: 'advice', text: 'wait', why: null, alternative: false },
      { kind: 'command', text: 'chatkeep rollback --to 3 --max-wait 1s', why: null, alternative: true },
    ])
  })
})
