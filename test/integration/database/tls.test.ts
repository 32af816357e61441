import { afterAll, beforeAll, describe } from 'vitest'
import { on } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { createCertificates, hasOpenssl, withTlsFront, type Certificates } from '../../support/tls-front.js'

const canRun = await hasOpenssl()

describe.skipIf(!canRun)('a server with TLS (certificates are made with openssl)', () => {
  let certificates: Certificates
  beforeAll(async () => {
    certificates = await createCertificates()
  })
  afterAll(() => certificates.remove())

  test.for<readonly [what: string, name: string, query: string, refusal: RegExp | undefined]>([
    ['of its name', 'DNS:localhost', '?sslmode=verify-full&sslrootcert=ROOT', undefined],
    ['of its address', 'IP:127.0.0.1', '?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=ROOT', /not match/],
    [
      'of the host that hostaddr reaches',
      'DNS:localhost',
      '?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=ROOT',
      undefined,
    ],
    [
      'of another name',
      'DNS:other.example',
      '?sslmode=verify-full&sslrootcert=ROOT',
      /localhost.*not in .*other\.example/,
    ],
    ['of another name, which verify-ca accepts', 'DNS:other.example', '?sslmode=verify-ca&sslrootcert=ROOT', undefined],
    ['of an unknown authority', 'DNS:localhost', '?sslrootcert=system', /certificate/],
    ['of an unknown authority, which require accepts', 'DNS:localhost', '?sslmode=require', undefined],
    [
      'that require checks when it is given a root',
      'DNS:other.example',
      '?sslmode=require&sslrootcert=ROOT',
      undefined,
    ],
    ['of an unknown authority, which prefer accepts', 'DNS:localhost', '?sslmode=prefer', undefined],
  ])('and a certificate %s', async ([, name, query, refusal], { database }) => {
    await loadFixture(database, 'crm-before')
    const certificate = await certificates.issue(name)
    await withTlsFront(database.url, certificate, async ({ port, talked }) => {
      const url = new URL(database.url)
      url.host = `localhost:${port}`
      url.search = query.replace('ROOT', encodeURIComponent(certificates.root))
      const { exitCode, stdout, stderr } = await on({ ...database, url: url.href }, 'migrate', '--dry-run')
      if (refusal === undefined) {
        expect(exitCode, stdout + stderr).toBe(0)
        expect(talked()).toBeGreaterThan(0)
        return
      }
      expect(exitCode).toBe(3)
      expect(stderr).toMatch(refusal)
      expect(stderr).toContain('TLS failed')
      expect(stderr).toContain('check that sslrootcert names the authority')
      // Neither name nor password reach a server that is not the one meant.
      expect(talked()).toBe(0)
    })
  })

  test('that it does not offer', async ({ database }) => {
    await withTlsFront(database.url, undefined, async ({ port }) => {
      const url = new URL(database.url)
      url.host = `localhost:${port}`
      url.search = '?sslmode=require'
      const { exitCode, stderr } = await on({ ...database, url: url.href }, 'migrate', '--dry-run')
      expect(exitCode).toBe(3)
      expect(stderr).toContain('it offers no TLS, but sslmode asks for it')
    })
  })
})
