import { clientsCreated } from './clients-created.js'
import { guestMessages } from './guest-messages.js'
import { messagesWithoutClient } from './messages-without-client.js'
import type { Metric } from './metric.js'

/** Add a metric: write ./<name>.ts, list it here, in the order of the table. */
export const metrics: readonly Metric[] = [clientsCreated, guestMessages, messagesWithoutClient]
