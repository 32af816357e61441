import type { Scenario } from '../scenario.js'
import { application } from './application.js'
import { bulk } from './bulk.js'
import { cli } from './cli.js'
import { guests } from './guests.js'
import { migrate } from './migrate.js'
import { polling } from './polling.js'
import { reads } from './reads.js'
import { save } from './save.js'
import { socket } from './socket.js'

/** Add a scenario: write ./<name>.ts, list it here, in the order in which they run. */
export const scenarios: readonly Scenario[] = [save, guests, bulk, reads, polling, socket, application, migrate, cli]
