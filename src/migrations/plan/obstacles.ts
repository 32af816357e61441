import type { Queryable } from '../../database/connection.js'
import type { Obstacle } from './obstacle.js'
import { readPrepared, readTransactions, type TransactionQuestion } from './open-transactions.js'
import { readRefusals } from './refusals.js'
import { readSlots } from './replication-lag.js'
import { readStandbys, type StandbyQuestion } from './standbys.js'

/** Reads everything on the server that prevents or delays a plan. Works for a role that cannot see other sessions. */
export const readObstacles = async (
  client: Queryable,
  question: TransactionQuestion & StandbyQuestion,
): Promise<readonly Obstacle[]> => [
  ...(await readRefusals(client, question)),
  ...(await readTransactions(client, question)),
  ...(await readPrepared(client)),
  ...(await readSlots(client)),
  ...(await readStandbys(client, question)),
]
