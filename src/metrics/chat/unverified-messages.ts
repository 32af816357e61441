import type { Metric } from '../metric.js'
import { aggregateOf } from '../aggregate.js'
import { conversations } from './conversations.js'

export const unverifiedMessages: Metric = {
  name: 'unverified_messages',
  title: 'unverified messages',
  help: 'Messages that a guest wrote under the name of a registered client, without proof of identity. Many: someone may be posing as a client.',
  unit: 'count',
  window: 'since',
  // NULL where the column is missing.
  ...aggregateOf(conversations, 'CASE WHEN count(*) = 0 THEN 0 ELSE sum("unverified") END'),
}
