import { on } from '../support/chat.js'
import { describe, expect, type TestDatabase } from '../support/database.js'
import { loadFixture } from '../support/fixtures.js'
import { test, type OrmFolder } from './folder.js'
import { applicationWrites, clientKey, guestWrites, ownTables } from './guests.js'
import { objects, pull, push, takeAdvice, withoutErrors } from './prisma.js'

const migrate = async (database: TestDatabase): Promise<void> => {
  expect((await on(database, 'migrate')).exitCode).toBe(0)
}

/** After the advice Prisma has nothing to do, and nothing is built again. */
const staysInSync = async (folder: OrmFolder, database: TestDatabase): Promise<void> => {
  expect(await takeAdvice(folder, database), await folder.read('schema.prisma')).toEqual([])
  const before = await objects(database)
  expect(await push(folder, database)).toContain('already in sync')
  expect(await objects(database)).toEqual(before)
}

interface Case {
  /** What the application has in the database, before Prisma reads it. */
  readonly sql?: string
  /** What somebody changed in the model that Prisma wrote. */
  readonly edits?: readonly (readonly [RegExp, string])[]
  /** What somebody changed in the database since. */
  readonly then?: string
  readonly codes: readonly string[]
}

const CASES: Readonly<Record<string, Case>> = {
  'nothing, where Prisma wrote the model': { codes: [] },
  'nothing about @@unique on a line of its own': {
    edits: [[/^( *idempotencyKey +String\?) +@unique.*$/m, '$1\n\n  @@unique([idempotencyKey])']],
    codes: [],
  },
  'nothing about primary keys of two columns': {
    sql: `CREATE TABLE "Tag" ("clientId" integer REFERENCES "Client", "tag" text, PRIMARY KEY ("clientId", "tag"));
      ALTER TABLE "ChatMessage" DROP CONSTRAINT "ChatMessage_pkey", ADD PRIMARY KEY ("id", "createdAt")`,
    codes: [],
  },
  'a foreign key without relation': {
    edits: [
      [/^ +Client +Client\?.*\n/m, ''],
      [/^ +ChatMessage +ChatMessage\[\]\n(?=(?:(?!^}).*\n)*?.*MarketingSource)/m, ''],
    ],
    codes: ['model_relation_missing'],
  },
  'two foreign keys to one model, both without relation': {
    sql: 'ALTER TABLE "ChatMessage" ADD "referrerId" integer REFERENCES "Client"',
    edits: [
      [/^ +Client\w* +Client\?.*\n/gm, ''],
      [/^ +ChatMessage_\w*Client\w* +ChatMessage\[\].*\n/gm, ''],
    ],
    codes: ['model_relation_missing', 'model_relation_missing'],
  },
  'a second foreign key to one model without relation': {
    sql: 'ALTER TABLE "ChatMessage" ADD "referrerId" integer REFERENCES "Client"',
    edits: [
      [/^ +Client\w+ +Client\?.*referrerId.*\n/m, ''],
      [/^ +ChatMessage_\w*referrerId\w* +ChatMessage\[\].*\n/m, ''],
    ],
    codes: ['model_relation_missing'],
  },
  'a second foreign key beside a relation without name': {
    sql: 'ALTER TABLE "ChatMessage" ADD "referrerId" integer REFERENCES "Client"',
    edits: [
      [/^ +Client\w+ +Client\?.*referrerId.*\n/m, ''],
      [/^ +ChatMessage_\w*referrerId\w* +ChatMessage\[\].*\n/m, ''],
      [/^ +Client\w+ +Client\? +@relation\("\w+", /m, '  client Client? @relation('],
      [/^ +ChatMessage_\w*clientId\w* +ChatMessage\[\].*\n/m, '  chatMessages ChatMessage[]\n'],
      [/^ +referrerId +Int\?/m, '  referrer Int? @map("referrerId")'],
    ],
    codes: ['model_relation_missing'],
  },
  'foreign keys in both directions without relation': {
    sql: 'ALTER TABLE "Client" ADD "lastMessageId" integer REFERENCES "ChatMessage"',
    edits: [
      [/^ +Client_\w+ +Client(\?|\[\]).*\n/gm, ''],
      [/^ +ChatMessage_\w+ +ChatMessage(\?|\[\]).*\n/gm, ''],
    ],
    codes: ['model_relation_missing', 'model_relation_missing'],
  },
  'a foreign key of a model to itself without relation': {
    sql: 'ALTER TABLE "ChatMessage" ADD "replyToId" integer UNIQUE REFERENCES "ChatMessage"',
    edits: [
      [/^ +\w+ +ChatMessage(\?|\[\]).*replyToId.*\n/m, ''],
      [/^ +other_ChatMessage .*\n/m, ''],
    ],
    codes: ['model_relation_missing'],
  },
  'a foreign key of two columns without relation': {
    sql: `CREATE TABLE "Tag" ("id" integer, "tag" text, PRIMARY KEY ("id", "tag"));
      ALTER TABLE "ChatMessage" ADD "tag" text, ADD FOREIGN KEY ("clientId", "tag") REFERENCES "Tag"`,
    edits: [
      [/^ +\w+ +Tag\?.*\n/m, ''],
      [/^ +ChatMessage +ChatMessage\[\]\n(?=\n +@@id)/m, ''],
    ],
    codes: ['model_relation_missing'],
  },
  'indexed columns without fields': {
    edits: [
      [/^ +clientSocketId .*\n/m, ''],
      [/^ +sessionId .*\n/m, ''],
      [/^ +@@index\(\[(clientSocketId|sessionId).*\n/gm, ''],
    ],
    codes: ['model_index_missing', 'model_index_missing', 'model_field_missing', 'model_field_missing'],
  },
  'a column whose name another field has': {
    edits: [
      [/^ +guestPhone .*\n/m, ''],
      [/^ +clientSocketId .*\n/m, ''],
      [/^ +@@index\(\[clientSocketId.*\n/gm, ''],
      [/^ +imageName +String\?/m, '  guestPhone String? @map("imageName")'],
      [/^ +mimeType +String\?/m, '  clientSocketId String? @map("mimeType")'],
    ],
    codes: ['model_field_missing', 'model_index_missing', 'model_field_missing'],
  },
  'relationMode = "prisma"': {
    edits: [[/(provider = "postgresql")/, '$1\n  relationMode = "prisma"']],
    codes: ['model_relation_missing', 'model_relation_missing', 'model_relation_missing'],
  },
  'a relation without the name of its foreign key': {
    sql: 'ALTER TABLE "ChatMessage" RENAME CONSTRAINT "ChatMessage_clientId_fkey" TO "chat"',
    edits: [[/, map: "chat"/, '']],
    codes: ['model_relation_differs'],
  },
  'a relation whose foreign key was dropped': {
    then: 'ALTER TABLE "ChatMessage" DROP CONSTRAINT "ChatMessage_clientId_fkey"',
    codes: ['model_relation_unknown'],
  },
  'an index without sort': {
    edits: [[/createdAt\(sort: Desc\)/, 'createdAt']],
    codes: ['model_index_differs'],
  },
  'an index without type': {
    edits: [[/, type: Brin/, '']],
    codes: ['model_index_differs'],
  },
  'an index without its name': {
    edits: [[/, map: "Client_createdAt_brin"/, '']],
    codes: ['model_index_missing', 'model_index_unknown'],
  },
  'a unique field under another name': {
    edits: [[/^( *phone .*)@unique/m, '$1@unique(map: "phone_key")']],
    codes: ['model_index_differs'],
  },
  'indexes of the application that it lacks': {
    sql: `CREATE INDEX a ON "ChatMessage" ("text" COLLATE "C", "sessionId" text_pattern_ops);
      CREATE INDEX b ON "ChatMessage" ("clientId") INCLUDE ("text");
      CREATE UNIQUE INDEX c ON "ChatMessage" ("id" DESC NULLS LAST, "clientId");
      CREATE INDEX d ON "ChatMessage" USING hash ("sessionId");
      CREATE INDEX e ON "ChatMessage" USING brin ("createdAt" timestamp_minmax_multi_ops);
      CREATE INDEX f ON "ChatMessage" USING gin (to_tsvector('simple', "text"));
      CREATE UNIQUE INDEX g ON "ChatMessage" ("imageName")`,
    edits: [
      [/^ +@@\w+\(.*map: "[a-f]".*\n/gm, ''],
      [/ @unique\(map: "g"\)/, ''],
    ],
    codes: ['model_unique_missing', ...Array.from({ length: 5 }, () => 'model_index_missing')],
  },
}

describe('Prisma beside chatkeep', () => {
  test('is in sync after the advice of verify was taken over, and keeps the foreign key', async ({
    database,
    folder,
  }) => {
    await loadFixture(database, 'crm-before')
    const key = await clientKey(database)
    await pull(folder, database)
    await migrate(database)
    expect(await takeAdvice(folder, database)).toContain('model_index_missing')
    await staysInSync(folder, database)
    expect(await clientKey(database)).toBe(key)
    await withoutErrors(database)
    await guestWrites(database)
  })

  test.for(Object.entries(CASES))(
    'verify finds %s; with its advice push changes nothing',
    async ([, one], { database, folder }) => {
      await loadFixture(database, 'crm-before')
      await migrate(database)
      await database.load(one.sql ?? '')
      await pull(folder, database)
      for (const [from, to] of one.edits ?? []) {
        const text = await folder.read('schema.prisma')
        expect(text).toMatch(from)
        await folder.write('schema.prisma', text.replace(from, to))
      }
      await database.load(one.then ?? '')
      expect(await takeAdvice(folder, database)).toEqual(one.codes)
      await staysInSync(folder, database)
    },
  )

  test('pushed with the model of before takes columns and indexes, but stops no message; migrate repairs it', async ({
    database,
    folder,
  }) => {
    await loadFixture(database, 'crm-before')
    await pull(folder, database)
    await migrate(database)
    const own = await ownTables(database)
    expect(await push(folder, database)).toContain('now in sync')
    expect(await ownTables(database)).toEqual(own)
    await applicationWrites(database)
    expect((await on(database, 'verify')).stdout).toContain('error column_missing')
    await migrate(database)
    await withoutErrors(database)
    await guestWrites(database)
  })
})
