import { within, type Metric } from '../metric.js'

const DAYS = 7

export const guestClientsDailyMean: Metric = {
  name: 'guest_clients_daily_mean',
  title: 'guest clients per day',
  help: `Clients that chatkeep created for guests, a day, in the ${DAYS} days before the window: what to compare guest_clients_created with.`,
  unit: 'count',
  window: 'since',
  needs: 'guestClients',
  reads: '"Client_createdAt_brin"',
  select: ({ client, guestClients }, { since }) => `
    SELECT round(count(*) / ${DAYS}.0, 2) AS "value"
    FROM ${client} AS c JOIN ${guestClients} AS g ON g."clientId" = c."id"
    WHERE ${within('c."createdAt"', { since: `${since} - interval '${DAYS} days'`, until: since })}`,
}
