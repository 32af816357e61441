import { expect, test } from 'vitest'
import type { EnvironmentSources } from '../../../src/cli/environment.js'
import { resolveTarget } from '../../../src/cli/resolve-target.js'
import { describeSource } from '../../../src/database/target/sources.js'

type Variables = Readonly<Record<string, string>>

/** Each setting with its source; those that are overridden, behind `unused`. */
const sourcesOf = (real: Variables, file?: Variables, flags: Readonly<Record<string, string>> = {}) => {
  const sources: EnvironmentSources = {
    real: { HOME: '/nowhere', ...real },
    file: file === undefined ? undefined : { name: 'prod.env', isNamed: true, variables: file },
    notes: [],
  }
  const { given = [], unused = [] } = resolveTarget(flags, sources, 'direct')
  const words = ({ name, value, source }: (typeof given)[number]): string =>
    `${name}=${value} ${describeSource(source)}`
  return { given: given.map(words), unused: unused.map(words) }
}

test('a setting has the source that counts', () => {
  expect(sourcesOf({ PGHOST: 'h', PGPASSWORD: 'secret', PGREQUIRESSL: '1' })).toEqual({
    given: ['sslmode=require PGREQUIRESSL', 'host=h PGHOST', 'password=*** PGPASSWORD'],
    unused: [],
  })
  expect(sourcesOf({ DATABASE_URL: 'postgres://u:secret@h/d', PGPORT: '7', PGUSER: 'v' })).toEqual({
    given: [
      'port=7 PGPORT',
      'user=u DATABASE_URL',
      'password=*** DATABASE_URL',
      'dbname=d DATABASE_URL',
      'host=h DATABASE_URL',
    ],
    unused: ['user=v PGUSER'],
  })
  expect(sourcesOf({ PGHOST: 'h' }, undefined, { dbname: 'd', schema: 's' }).given).toEqual([
    'host=h PGHOST',
    'dbname=d --dbname',
    'schema=s --schema',
  ])
})

test('a file is named with its variable, and keeps credentials of the environment away from its host', () => {
  expect(sourcesOf({ PGUSER: 'u', PGPASSWORD: 'secret' }, { DIRECT_URL: 'postgres://h/d', PGAPPNAME: 'a' })).toEqual({
    given: [
      'user=u PGUSER',
      'application_name=a PGAPPNAME in prod.env',
      'dbname=d DIRECT_URL in prod.env',
      'host=h DIRECT_URL in prod.env',
      'sslcertmode=disable default',
    ],
    unused: ['password=*** PGPASSWORD'],
  })
})
