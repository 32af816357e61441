import { within, type Metric } from '../metric.js'

export const guestClientsCreated: Metric = {
  name: 'guest_clients_created',
  title: 'guest clients created',
  help: 'Clients that chatkeep created for guests.',
  unit: 'count',
  window: 'since',
  needs: 'guestClients',
  reads: '"Client_createdAt_brin"',
  select: ({ client, guestClients }, window) => `
    SELECT count(*) AS "value"
    FROM ${client} AS c JOIN ${guestClients} AS g ON g."clientId" = c."id"
    WHERE ${within('c."createdAt"', window)}`,
}
