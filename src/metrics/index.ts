import { clientsCreated } from './clients-created.js'
import { guestMessages } from './guest-messages.js'
import { messagesWithoutClient } from './messages-without-client.js'
import type { Metric } from './metric.js'

/** All metrics, in the order in which they are shown. To add one, write ./<name>.ts and list it here. */
export const metrics: readonly Metric[] = [clientsCreated, guestMessages, messagesWithoutClient]
