import { expect, test } from 'vitest'
import { nameTarget } from '../../../src/cli/target-naming.js'
import { resolveTarget } from '../../../src/cli/resolve-target.js'

const named = (dbname: string, env: Readonly<Record<string, string>> = {}) => {
  const sources = { real: { HOME: '/nowhere', ...env }, file: undefined, notes: [] }
  const target = resolveTarget({ dbname }, sources, 'direct')
  return nameTarget({ dbname }, target, { argv: ['migrate', '-d', dbname], sources, kind: 'direct' })
}

test.for([
  ['crm', ['--dbname crm'], undefined],
  ['host=db dbname=crm', [`--dbname 'host=db dbname=crm'`], undefined],
  ['host=db password=secret dbname=crm', [`--dbname 'host=db dbname=crm'`], 'the password of --dbname'],
  [`password = 'a b' host=db`, ['--dbname host=db'], 'the password of --dbname'],
  [String.raw`host=db sslpassword=a\ b`, ['--dbname host=db'], 'the password of --dbname'],
  ['postgres://u:secret@db/crm', ['--dbname postgres://u@db/crm'], 'the password of --dbname'],
  ['postgres://u:secret?#@db/crm', ['--dbname postgres://u@db/crm'], 'the password of --dbname'],
] as const)('printed commands name what followed -d, without its password: %s', ([dbname, flags, omitted]) => {
  const naming = named(dbname)
  expect(naming.flags).toEqual(flags)
  expect(naming.remarks.map((remark) => /the password of \S+(?=:)/.exec(remark)?.[0])).toEqual(
    omitted === undefined ? [] : [omitted],
  )
  expect(naming.typed.join(' ')).not.toMatch(/secret|a b/)
})

test('a command that is printed to be repeated has no password either, however it was given', () => {
  const argv = ['verify', '-dpostgres://u:secret@db/crm', '--database-url=postgres://u:secret@db/crm']
  const sources = { real: { HOME: '/nowhere' }, file: undefined, notes: [] }
  const target = resolveTarget({ dbname: 'crm' }, sources, 'direct')
  const { typed } = nameTarget({ dbname: 'crm' }, target, { argv, sources, kind: 'direct' })
  expect(typed).toEqual(['verify', '-dpostgres://u@db/crm', '--database-url=postgres://u@db/crm'])
})

test('the confirmation names the host where -d overrides the environment', () => {
  expect(named('host=db dbname=crm').confirmation).toBe('crm')
  expect(named('host=db dbname=crm', { DATABASE_URL: 'postgres://other/crm' }).confirmation).toBe('db/crm')
})

test.for([
  ['crm', { PGHOST: 'db', PGPORT: '6000', PGUSER: 'app' }, 'crm'],
  ['host=staging dbname=crm', { PGHOST: 'db' }, 'staging/crm'],
  ['port=6001 dbname=crm', { PGHOST: 'db' }, 'db:6001/crm'],
  ['crm', { PGHOST: 'db', PGDATABASE: 'other' }, 'db/crm'],
  ['host=db dbname=crm', { DATABASE_URL: 'postgres://app@db' }, 'db/crm'],
] as const)('-d %s in the environment %o is confirmed with %s', ([dbname, env, confirmation]) => {
  expect(named(dbname, env).confirmation).toBe(confirmation)
})
