import pg from 'pg'
import { seen, type Fault } from '../fault.js'

export const tooManyConnections: Fault = {
  name: 'too-many-connections',
  summary: 'somebody takes every connection that the database has, and the chat servers lose theirs',
  strike: async ({ database, servers, hold }) => {
    const before = await database.countErrors('53300')
    const taken: pg.Client[] = []
    try {
      await takeAll(database.url(), taken)
      for (const { back } of servers) back.cut()
      await takeAll(database.url(), taken)
      await hold(2_000, 5_000)
      await takeAll(database.url(), taken)
    } finally {
      await Promise.all(taken.map((client) => client.end()))
    }
    // The last of those who took them was refused, too.
    return seen([(await database.countErrors('53300')) - before - REFUSED_OURSELVES, 'errors 53300'])
  },
}

const REFUSED_OURSELVES = 3

const takeAll = async (url: string, taken: pg.Client[]): Promise<void> => {
  for (;;) {
    const client = new pg.Client({ connectionString: url, application_name: 'taker' })
    client.on('error', () => undefined)
    try {
      await client.connect()
    } catch (error) {
      if (error instanceof pg.DatabaseError && error.code === '53300') return
      throw error
    }
    taken.push(client)
  }
}
