import { isRegisteredSql } from '../follow-clients.js'
import type { Names } from '../sql-names.js'

/**
 * How the client of a message is looked up. `short` leaves out what a client that was merged into another wrote, and what nobody
 * with its name wrote: the statement costs the server a tenth less without the tables of merges and of former names.
 */
export type LookUp = 'short' | 'whole'

/** SQL for the client of an incoming row `x`. */
export interface ContactSql {
  readonly joins: string
  readonly client: string
  readonly isRegistered: string
  /** Which rows are inserted. */
  readonly condition: string
}

/** A message that is stored without its client. */
export const NO_CONTACT: ContactSql = { joins: '', client: 'NULL::bigint', isRegistered: 'false', condition: 'true' }

/** What incoming rows name their clients by. */
export interface NamedBy {
  readonly id: boolean
  readonly username: boolean
}

const BY_EITHER: NamedBy = { id: true, username: true }

/** The look-ups of messages that are stored with their clients. */
export const CONTACTS: Readonly<Record<LookUp, (names: Names, namedBy?: NamedBy) => ContactSql>> = {
  short: (names, namedBy = BY_EITHER) => ({
    joins: foundJoins(names, namedBy),
    client: FOUND,
    isRegistered: 'named."registered" IS TRUE',
    condition: `${isFoundSql(FOUND)}
    AND (SELECT g."intoClientId" FROM ${names.mergedClients} AS g WHERE g."clientId" = ${FOUND}) IS NULL`,
  }),
  whole: (names, namedBy = BY_EITHER) => ({
    joins: `${foundJoins(names, namedBy)}${movedJoin(names)}`,
    client: FOLLOWED,
    isRegistered: 'coalesce(moved."registered", named."registered") IS TRUE',
    condition: isFoundSql(FOLLOWED),
  }),
}

const FOUND = 'coalesce(given."id", named."id")'
const FOLLOWED = 'coalesce(moved."id", given."id", named."id")'

const isFoundSql = (client: string): string =>
  `(${client} IS NOT NULL OR x."guestUsername" IS NULL AND x."clientId" IS NULL)`

// The client by its id, else by the guest's exact name. A client is registered unless it was created from a guest.
const foundJoins = (names: Names, { id, username }: NamedBy): string => `
  ${id ? givenJoin(names) : NOBODY_GIVEN}
  ${username ? namedJoin(names) : NOBODY_NAMED}`

const givenJoin = ({ client }: Names): string =>
  `LEFT JOIN LATERAL (SELECT c."id" FROM ${client} AS c WHERE c."id" = x."clientId" LIMIT 1) AS given ON true`

const namedJoin = (names: Names): string => `LEFT JOIN LATERAL (
    SELECT c."id", ${isRegisteredSql(names, 'c."id"')} AS "registered"
    FROM ${names.client} AS c
    WHERE given."id" IS NULL AND c."username"::text = x."guestUsername"
    LIMIT 1
  ) AS named ON true`

// The planner takes a constant out of the plan.
const NOBODY_GIVEN = 'CROSS JOIN (SELECT NULL::bigint AS "id") AS given'
const NOBODY_NAMED = 'CROSS JOIN (SELECT NULL::bigint AS "id", NULL::boolean AS "registered") AS named'

// Of a client that was merged into another, and of a name that nobody has now, the client to whom the message belongs.
const movedJoin = (names: Names): string => `
  LEFT JOIN LATERAL (
    SELECT c."id", other."isByName" AND ${isRegisteredSql(names, 'c."id"')} AS "registered"
    FROM (
      SELECT g."intoClientId" AS "clientId", given."id" IS NULL AND named."id" IS NOT NULL AS "isByName"
      FROM ${names.mergedClients} AS g
      WHERE g."clientId" = coalesce(given."id", named."id", x."clientId")
      UNION ALL
      SELECT a."clientId", true
      FROM ${names.clientAliases} AS a
      WHERE given."id" IS NULL AND named."id" IS NULL AND a."username" = x."guestUsername"
    ) AS other
    JOIN ${names.client} AS c ON c."id" = other."clientId"
    LIMIT 1
  ) AS moved ON true`
