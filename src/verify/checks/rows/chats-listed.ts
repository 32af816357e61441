import { qualified } from '../../../database/identifier.js'
import { CHATS } from '../../../migrations/ledger/own-objects.js'
import { periodOf } from '../../../persistence/sql-names.js'
import type { RowCheck } from '../../check.js'
import { hasColumns, type Facts } from '../../facts/facts.js'
import { commandLine, finding, type Finding } from '../../finding.js'
import { countAndSample } from '../../row-query.js'
import { countFindings } from './count-findings.js'

type Code = 'chats_missing' | 'chats_not_readable'

/** How many messages, and how many clients, are checked: checking all of them would take too long. */
const SAMPLE = 10_000

/**
 * Does every chat have a row in the list of chats that is at least as late as its last message? It has none if triggers did not
 * fire (session_replication_role, a restore without triggers). Checks the newest messages, and clients spread evenly over all,
 * each through an index.
 */
export const chatsListed: RowCheck<Code> = {
  name: 'chats-listed',
  expectations: ['migrated'],
  object: 'chats that are missing from the list of chats',
  severity: 'error',
  query: (facts) => {
    const askable =
      hasColumns(facts, 'ChatMessage', ['id', 'createdAt', 'clientId', 'guestUsername']) &&
      hasColumns(facts, 'Client', ['id']) &&
      hasColumns(facts, CHATS, ['chat', 'period']) &&
      mayRead(facts)
    return askable ? countAndSample(selectMissing(facts)) : undefined
  },
  findings: (result, facts) => {
    if (hasColumns(facts, CHATS, ['chat', 'period']) && !mayRead(facts)) return [unreadable(facts)]
    const help = `COMMENT ON TABLE ${qualified(facts.schema, CHATS)} IS NULL; then ${commandLine('migrate', facts)}, which fills it`
    return countFindings(
      chatsListed,
      'chats_missing',
      result,
      help,
      (count) =>
        `${count} among the chats of the newest ${SAMPLE.toLocaleString('en-US')} messages and of as many clients`,
    )
  },
  explanations: {
    chats_missing: {
      title: 'chats are missing from the list of chats',
      severities: ['error'],
      meaning: `The list lacks some chats at the time of their messages, so operators do not find them among the
        recent chats. Only a sample is checked (the newest messages, and clients spread evenly over all), so there may
        be more.`,
      cause: `Rows were written while triggers did not fire: session_replication_role = replica (logical replication,
        some restores and imports), or disabled triggers.`,
      remedy: `Remove the mark and let chatkeep migrate fill the list again, as the finding shows. This does not
        block writes.`,
    },
    chats_not_readable: {
      title: 'the list of chats was not checked: this role may not read it',
      severities: ['note'],
      meaning: `chatkeep verify ran as a role without SELECT on "chatkeep_chats". If the application uses the same
        role, it cannot list recent chats either.`,
      cause: `The role was created, or its privileges were granted, after the migration; or row-level security was
        enabled, in which case only the owners may read the list.`,
      remedy: `Run GRANT SELECT ON "chatkeep_chats" TO the role, as its owner. --application-role NAME checks all
        privileges of another role.`,
    },
  },
}

const mayRead = ({ server: { readableOwnTables } }: Facts): boolean => readableOwnTables.includes(CHATS)

const unreadable = ({ schema }: Facts): Finding<Code> =>
  finding('note', 'chats_not_readable', {
    object: `table "${CHATS}"`,
    expected: 'readable by roles that read recent chats',
    actual: 'not checked: this role may not read it',
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
