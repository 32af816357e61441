import type { DatabaseServer } from './database-server.js'
import type { StoredRow } from './judge.js'

const PAGE = 5_000

const PAGE_SQL = `
  SELECT m."id", (extract(epoch FROM m."createdAt") * 1000)::float8 AS "at", m."idempotencyKey" AS "key",
    m."senderType"::text, m."messageType"::text, m."text", m."imageUrl", m."imageName", m."mimeType", m."guestUsername",
    m."guestPhone", m."sessionId", m."operatorId", m."clientId", c."username" AS "clientUsername"
  FROM "ChatMessage" AS m
  LEFT JOIN "Client" AS c ON c."id" = m."clientId"
  WHERE m."id" > $1
  ORDER BY m."id"
  LIMIT ${PAGE}`

/** Reads the whole table, page by page, past the servers. */
export const readRows = async (database: DatabaseServer, take: (row: StoredRow) => void): Promise<void> => {
  const client = await database.connect()
  try {
    for (let last = 0; ;) {
      const { rows } = await client.query<StoredRow>(PAGE_SQL, [last])
      for (const row of rows) take(row)
      last = rows.at(-1)?.id ?? last
      if (rows.length < PAGE) return
    }
  } finally {
    await client.end()
  }
}
