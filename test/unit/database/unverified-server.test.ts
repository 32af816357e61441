import { expect, test } from 'vitest'
import { toConnectionTarget } from '../../../src/database/connection-target.js'
import { unverifiedServer } from '../../../src/database/unverified-server.js'

const NOT_ENCRYPTED = 'the connection to db.example is not encrypted'
const NOT_CHECKED = 'the certificate of db.example is not checked'

const root = (sslmode: string | undefined) => (sslmode === 'verify-full' ? { sslrootcert: 'system' } : {})

test.for<readonly [host: string, sslmode: string | undefined, warning: string | undefined]>([
  ['/run/postgresql', undefined, undefined],
  ['localhost', undefined, undefined],
  ['127.0.0.1', 'disable', undefined],
  ['::1', 'prefer', undefined],
  ['db.example', 'disable', NOT_ENCRYPTED],
  ['db.example', undefined, NOT_CHECKED],
  ['db.example', 'allow', NOT_CHECKED],
  ['db.example', 'require', NOT_CHECKED],
  ['db.example', 'verify-full', undefined],
  ['10.0.0.1', 'disable', 'the connection to 10.0.0.1 is not encrypted'],
])('a server at %s with sslmode %s', ([host, sslmode, warning]) => {
  const text = unverifiedServer(toConnectionTarget({ host, sslmode, ...root(sslmode), user: 'ana', dbname: 'crm' }))
  if (warning === undefined) expect(text).toBeUndefined()
  else expect(text).toContain(warning)
})
