import { within, type Metric } from '../metric.js'

/** Clients created for guests and clients that signed up: the table does not tell them apart. */
export const clientsCreated: Metric = {
  name: 'clients_created',
  title: 'clients created',
  help: 'Clients created, both for guests and by sign-up. If it stays at 0 while guests write, no clients are created for them.',
  unit: 'count',
  window: 'since',
  reads: '"Client_createdAt_brin"',
  select: ({ client }, window) => `SELECT count(*) AS "value" FROM ${client} WHERE ${within('"createdAt"', window)}`,
}
