import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createRedact, knownSecrets } from '../../../src/cli/redact.js'

test.for([
  ['postgres://deploy:s3cret@db1/crm', 'postgres://deploy:***@db1/crm'],
  [
    'postgresql://u:p%40ss@h:5432/d?x=1 and postgres://v:other@h',
    'postgresql://u:***@h:5432/d?x=1 and postgres://v:***@h',
  ],
  ['postgers://deploy:s3cret@db1/crm', 'postgers://deploy:***@db1/crm'],
  ['host=db1 password=s3cret user=x', 'host=db1 password=*** user=x'],
  [`PGPASSWORD='a b c' psql`, 'PGPASSWORD=*** psql'],
  ['write it as postgres://user:password@host/db', 'write it as postgres://user:password@host/db'],
  [
    'nothing to hide at 10:30, see http://localhost:3001/chat',
    'nothing to hide at 10:30, see http://localhost:3001/chat',
  ],
])('hides the password by its shape: %s', ([text = '', redacted]) => {
  expect(createRedact([])(text)).toBe(redacted)
})

test('hides a known secret wherever and however it is written', () => {
  for (let n = 0; n < 500; n += 1) {
    const secret = randomBytes(4 + (n % 20)).toString(n % 2 === 0 ? 'latin1' : 'base64')
    const redact = createRedact([secret])
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
      expect(redact(`before ${form} after`)).not.toContain(form)
    }
  }
})

test('leaves words alone that are public anyway', () => {
  expect(createRedact(['postgres'], ['postgres'])('crm as postgres')).toBe('crm as postgres')
})

test.for([
  [['-d', 'host=db1 password=s3cret user=x'], ['s3cret']],
  [['--dbname=host=db1 password = s3cret'], ['s3cret']],
  [
    ['-d', String.raw`password='it\'s \\ secret' sslpassword=other`],
    [String.raw`it's \ secret`, 'other'],
  ],
  [['-d', `host=db1 password='no end`], ['no end']],
  [['--dbname', 'postgres://u:s3cret@db1/crm'], ['s3cret']],
  [['verify', '--json'], []],
] as const)('finds the secrets of a command line: %j', ([argv, secrets]) => {
  expect(knownSecrets({}, argv)).toEqual(secrets)
})
