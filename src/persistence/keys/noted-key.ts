const BODY = ['senderType', 'messageType', 'text', 'imageUrl', 'imageName', 'mimeType', 'guestUsername', 'sessionId']

/** SQL for what makes two messages the same besides their client. The casts make enum types and `varchar` comparable. */
export const bodySql = (row: string): string => `(${BODY.map((column) => `${row}."${column}"::text`).join(', ')})`

// The collation makes it the same for any database. PostgreSQL places rows of hash partitions by the same function, so that its
// result stays.
export const bodyHashSql = (row: string): string =>
  `pg_catalog.hashtextextended(ROW${bodySql(row)}::text COLLATE "pg_catalog"."C", 0)`

/** SQL for what is noted of a guest's name, of which no text is left. */
export const guestHashSql = (name: string): string =>
  `pg_catalog.hashtextextended((${name})::text COLLATE "pg_catalog"."C", 0)`

const COLUMNS = ['idempotencyKey', 'messageId', 'createdAt', 'clientId', 'bodyHash']

/** The columns of the table of keys, for an INSERT. */
export const NOTED_KEY = COLUMNS.map((column) => `"${column}"`).join(', ')

/** SQL for the values of these columns, read from a message or returned by its INSERT or UPDATE. */
export const notedKeySql = (message: string): string =>
  `${message}."idempotencyKey", ${message}."id" AS "messageId", ${message}."createdAt", ${message}."clientId", ${bodyHashSql(message)} AS "bodyHash"`
