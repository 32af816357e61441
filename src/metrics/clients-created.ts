import type { Metric } from './metric.js'

/** Auto-created clients and those that signed up: the table does not tell them apart. */
export const clientsCreated: Metric = {
  name: 'clients_created',
  title: 'clients created',
  unit: 'client',
  help: 'Clients that came into being, guests among them. None for long while guests write: they are not made clients.',
  window: 'since',
  select: ({ client }, since) => `SELECT count(*) FROM ${client} WHERE "createdAt" > ${since}`,
}
