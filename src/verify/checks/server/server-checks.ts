import type { ServerCheck, ServerSituation } from '../../check.js'
import type { Finding } from '../../finding.js'
import { committingRoles } from './committing-roles.js'
import { durability } from './durability.js'
import { encoding } from './encoding.js'
import { replicationSlots } from './replication-slots.js'
import { standbys } from './standbys.js'

const SERVER_CHECKS: readonly ServerCheck[] = [encoding, durability, committingRoles, standbys, replicationSlots]

/** What is wrong with a server, whatever the state of the chat's tables. */
export const serverFindings = (situation: ServerSituation): readonly Finding[] =>
  SERVER_CHECKS.flatMap(({ findings }) => findings(situation))
