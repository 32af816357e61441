import { qualified } from '../../../database/identifier.js'
import { CHATS } from '../../../migrations/ledger/own-objects.js'
import { periodOf } from '../../../persistence/sql-names.js'
import type { DataCheck } from '../../check.js'
import { hasColumns, type Facts } from '../../facts/facts.js'
import { commandLine, finding, type Finding } from '../../finding.js'
import { countAndSample } from '../../question.js'
import { rowsFound } from './rows-found.js'

/** How many messages, and how many clients, are looked at: all of them would be too many to ask at 3 a.m. */
const SAMPLE = 10_000

/**
 * Has every chat a row in the list of chats that is at least as late as its last message? Where triggers did not fire
 * (session_replication_role, a restore without them), it has not. Looks at the newest messages and at clients taken
 * evenly from all, each by an index.
 */
export const chatsListed: DataCheck = {
  name: 'chats-listed',
  expectations: ['migrated'],
  object: 'chats that are missing in the list of chats',
  severity: 'error',
  question: (facts) => {
    const askable =
      hasColumns(facts, 'ChatMessage', ['id', 'createdAt', 'clientId', 'guestUsername']) &&
      hasColumns(facts, 'Client', ['id']) &&
      hasColumns(facts, CHATS, ['chat', 'period']) &&
      mayRead(facts)
    return askable ? countAndSample(selectMissing(facts)) : undefined
  },
  findings: (answer, facts) => {
    if (hasColumns(facts, CHATS, ['chat', 'period']) && !mayRead(facts)) return [unreadable(facts)]
    const help = `COMMENT ON TABLE ${qualified(facts.schema, CHATS)} IS NULL; then ${commandLine('migrate', facts)}, which fills it`
    return rowsFound(
      chatsListed,
      'chats_missing',
      answer,
      help,
      (count) =>
        `${count}, among the chats of the newest ${SAMPLE.toLocaleString('en-US')} messages and of as many clients`,
    )
  },
}

const mayRead = ({ surroundings: { readableOwnTables } }: Facts): boolean => readableOwnTables.includes(CHATS)

const unreadable = ({ schema }: Facts): Finding =>
  finding('note', 'chats_not_readable', {
    object: `table "${CHATS}"`,
    expected: 'readable by roles that read recent chats',
    actual: 'this role may not read it, so it was not checked',
    help: `as its owner: GRANT SELECT ON ${qualified(schema, CHATS)} TO …`,
  })

const selectMissing = ({ schema }: Facts): string => `
      SELECT max(l."id") AS "id"
      FROM (
        SELECT CASE WHEN m."clientId" IS NULL THEN 'g' || m."guestUsername" ELSE 'c' || m."clientId"::text END AS "chat",
          max(m."createdAt") AS "at", max(m."id") AS "id"
        FROM (
          SELECT * FROM ${qualified(schema, 'ChatMessage')} ORDER BY "id" DESC LIMIT ${SAMPLE}
        ) AS m
        GROUP BY 1
        UNION ALL
        SELECT 'c' || c."id"::text, m."createdAt", m."id"
        FROM (
          SELECT generate_series(min("id"), max("id"), 1 + (max("id") - min("id")) / ${SAMPLE}) AS "id"
          FROM ${qualified(schema, 'Client')}
        ) AS c
        CROSS JOIN LATERAL (
          SELECT "createdAt", "id" FROM ${qualified(schema, 'ChatMessage')} AS o
          WHERE o."clientId" = c."id" ORDER BY "createdAt" DESC LIMIT 1
        ) AS m
      ) AS l
      WHERE l."chat" IS NOT NULL
        AND NOT EXISTS (
          SELECT FROM ${qualified(schema, CHATS)} AS k
          WHERE k."chat" = l."chat" AND k."period" >= ${periodOf('l."at"')})
      GROUP BY l."chat"`
