import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrated, on } from '../../support/chat.js'
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  test as base,
  withDatabase,
  type TestDatabase,
} from '../../support/database.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { loadFixture } from '../../support/fixtures.js'

interface Found {
  readonly code: string
  readonly severity: string
  readonly object: string
  readonly help: string
  readonly place: { readonly file: string; readonly line: number } | null
}

const healthy = await readFile(new URL('../../support/fixtures/healthy.prisma', import.meta.url), 'utf8')

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-models-'))
})
afterAll(() => rm(folder, { recursive: true }))

// Reduces a suggestion to change a line to the new line.
const lineOnly = (found: Found): Found => ({
  ...found,
  help: found.help.replace(/^change prisma\/\S+:\d+ to: (.*); then npx prisma generate$/, '$1'),
})

const compare = async (
  database: TestDatabase,
  files: string | Readonly<Record<string, string>>,
  ...flags: readonly string[]
): Promise<{ readonly exitCode: number; readonly found: readonly Found[]; readonly stderr: string }> => {
  const cwd = await mkdtemp(join(folder, 'application-'))
  const all = typeof files === 'string' ? { 'schema.prisma': files } : files
  for (const [name, text] of Object.entries(all)) {
    await mkdir(join(cwd, 'prisma', name, '..'), { recursive: true })
    await writeFile(join(cwd, 'prisma', name), text)
  }
  const path = typeof files === 'string' ? 'prisma/schema.prisma' : 'prisma'
  const argv = ['verify', '--json', '--application-schema', path, '--database-url', database.url, ...flags]
  const { exitCode, stdout, stderr } = await runChatkeep(argv, { cwd })
  const { findings = [] } = JSON.parse(stdout) as {
    readonly findings?: readonly (Found & { readonly check: string })[]
  }
  return { exitCode, stderr, found: findings.filter(({ check }) => check === 'application-schema').map(lineOnly) }
}

// Models are changed, not the database, which all of these tests can share.
const test = base.extend<{ $file: { shared: TestDatabase } }>({
  shared: [
    async ({}, use) => {
      await withDatabase(async (database) => {
        await migrated(database, 'crm-before')
        await use(database)
      })
    },
    { scope: 'file' },
  ],
})

const without = (line: RegExp): string => healthy.replace(line, '')
const instead = (line: string | RegExp, other: string): string => healthy.replace(line, other)

describe('verify --application-schema', () => {
  test('finds nothing where models and database agree', async ({ shared }) => {
    const { exitCode, found, stderr } = await compare(shared, healthy)
    expect(found, stderr).toEqual([])
    expect(exitCode).toBe(0)
  })

  test.for([' ', '\t', ' // ours', ' /// ours {', ' /* ours */', ' /* ours\n} */'])(
    'reads %j behind the brace of each block',
    async (text, { shared }) => {
      const { exitCode, found, stderr } = await compare(shared, healthy.replaceAll(/^(\w+ \w+ \{)$/gm, `$1${text}`))
      expect(found, stderr).toEqual([])
      expect(exitCode).toBe(0)
    },
  )

  test('finds nothing in a database that was not migrated, with models that do not know of it', async ({
    database,
  }) => {
    await loadFixture(database, 'crm-before')
    const before = healthy
      .replace(/^ {2}(guest|idempotencyKey).*\n/gm, '')
      .replace(/^ {2}@@index\(\[(guest|clientSocket|createdAt).*\n/gm, '')
      .replace('clientId        Int?', 'clientId Int')
      .replace('Client? ', 'Client ')
    const { found, exitCode } = await compare(database, before, '--expect', 'rolled-back')
    expect(found).toEqual([])
    expect(exitCode).toBe(0)
    // With the models of afterwards it is another matter.
    const codes = (await compare(database, healthy)).found.map(({ code, object }) => `${code} ${object}`)
    expect(codes).toEqual([
      'model_field_optional model ChatMessage, field clientId',
      'model_field_unknown model ChatMessage, field guestUsername',
      'model_field_unknown model ChatMessage, field guestPhone',
      'model_field_unknown model ChatMessage, field idempotencyKey',
      'model_field_unknown model ChatMessage, field guestUnverified',
      'model_index_unknown model ChatMessage, index "ChatMessage_guestUsername_createdAt_idx"',
      'model_index_unknown model ChatMessage, index "ChatMessage_clientSocketId_createdAt_idx"',
      'model_index_unknown model ChatMessage, index "ChatMessage_createdAt_clientId_idx"',
      'model_index_unknown model Client, index "Client_createdAt_brin"',
    ])
  })

  test('reads a folder of files, models and enums in different ones', async ({ shared }) => {
    const [head = '', messages = ''] = healthy.split('/// A message')
    const files = { 'base.prisma': head, 'models/chat.prisma': `/// A message${messages.replace('Int?', 'Int')}` }
    const { found } = await compare(shared, files)
    expect(found).toMatchObject([
      { code: 'model_field_required', place: { file: 'prisma/models/chat.prisma', line: 5 }, help: 'clientId Int?' },
    ])
  })

  test.for<readonly [what: string, schema: string, codes: readonly string[], finding: Partial<Found>]>([
    [
      'what broke production: a field that must have a value, and its relation',
      instead('clientId        Int?', 'clientId        Int').replace('Client? ', 'Client  '),
      ['model_field_required', 'model_field_required'],
      {
        severity: 'error',
        object: 'model ChatMessage, field clientId',
        help: 'clientId Int?',
        place: { file: 'prisma/schema.prisma', line: 57 },
      },
    ],
    [
      'a relation that must be there',
      instead('Client? ', 'Client '),
      ['model_field_required'],
      {
        object: 'model ChatMessage, field client',
        help: 'client Client? @relation(fields: [clientId], references: [id], onDelete: Restrict)',
      },
    ],
    [
      'a field that may be missing where the column may not',
      instead('name         String', 'name         String?'),
      ['model_field_optional'],
      { severity: 'error', object: 'model Operator, field name', help: 'name String' },
    ],
    [
      'the same, where there is a default',
      instead('isRead          Boolean ', 'isRead          Boolean? '),
      ['model_field_optional'],
      { severity: 'warning', help: 'isRead Boolean @default(false)' },
    ],
    [
      'a field of which the database knows nothing',
      instead('  mimeType ', '  mood String?\n  mimeType '),
      ['model_field_unknown'],
      {
        severity: 'error',
        object: 'model ChatMessage, field mood',
        help: 'remove from prisma/schema.prisma:67: mood String?',
      },
    ],
    [
      'a column that every insert must fill and the model does not have',
      without(/^ {2}updatedAt .*\n(?= {2}username {6}S)/m),
      ['model_field_missing'],
      {
        severity: 'error',
        object: 'model Client, column "Client"."updatedAt"',
        help: 'add to model Client: updatedAt DateTime; then npx prisma generate',
      },
    ],
    [
      'a column that the model ignores and every insert must fill',
      instead('senderType      MessageSenderType', 'senderType      MessageSenderType @ignore'),
      ['model_field_missing'],
      { help: 'add to model ChatMessage: senderType MessageSenderType; then npx prisma generate' },
    ],
    [
      'a guest field that is missing',
      without(/^ {2}guestPhone.*\n/m),
      ['model_field_missing'],
      { severity: 'warning', help: 'add to model ChatMessage: guestPhone String?; then npx prisma generate' },
    ],
    [
      'a key that is missing, which a push would drop',
      without(/^ {2}idempotencyKey.*\n/m),
      ['model_field_missing'],
      { severity: 'note', help: 'add to model ChatMessage: idempotencyKey String? @unique; then npx prisma generate' },
    ],
    [
      'a number where the column is text',
      instead('sessionId       String?', 'sessionId       Int?'),
      ['model_type_differs'],
      { severity: 'error', help: 'sessionId String?' },
    ],
    [
      'nothing wrong with a number that may be larger than those of the column',
      instead('operatorId      Int?', 'operatorId      BigInt?'),
      [],
      {},
    ],
    [
      'instants with a zone, where the column has none',
      instead('readAt          DateTime?', 'readAt          DateTime? @db.Timestamptz(3)'),
      ['model_type_differs'],
      { severity: 'warning', help: 'readAt DateTime?' },
    ],
    [
      'text where the column is an enum',
      instead('messageType     MessageType', 'messageType     String'),
      ['model_type_differs'],
      { severity: 'error', help: 'messageType MessageType' },
    ],
    [
      'a list where the column is none',
      instead('imageName       String?', 'imageName       String[]'),
      ['model_type_differs'],
      { severity: 'error', help: 'imageName String' },
    ],
    [
      'an enum that lacks a label',
      without(/^ {2}IMAGE\n/m),
      ['model_enum_label_missing'],
      { severity: 'error', help: 'add to enum MessageType: IMAGE; then npx prisma generate' },
    ],
    [
      'an enum with a label of its own',
      instead('  BANNED\n', '  BANNED\n  GUEST\n'),
      ['model_enum_label_unknown'],
      { severity: 'error', help: `in psql: ALTER TYPE "public"."ClientStatus" ADD VALUE 'GUEST';` },
    ],
    [
      'a key that is not said to be unique',
      instead('idempotencyKey  String?           @unique', 'idempotencyKey  String?'),
      ['model_unique_missing'],
      { severity: 'warning', help: 'idempotencyKey  String? @unique' },
    ],
    [
      'a relation that would delete messages with their client',
      instead('onDelete: Restrict', 'onDelete: Cascade'),
      ['model_relation_differs'],
      {
        severity: 'error',
        help: 'client          Client?           @relation(fields: [clientId], references: [id], onDelete: Restrict)',
      },
    ],
    [
      'an optional relation that says nothing',
      instead(', onDelete: Restrict', ''),
      ['model_relation_differs'],
      { severity: 'warning', object: 'model ChatMessage, field client' },
    ],
    [
      'an index that is not declared',
      instead('  @@index([guestUsername, createdAt(sort: Desc)])\n', ''),
      ['model_index_missing'],
      { severity: 'warning', help: 'add to model ChatMessage: @@index([guestUsername, createdAt(sort: Desc)])' },
    ],
    [
      'an index with a name of its own that is not declared',
      instead('  @@index([createdAt], map: "Client_createdAt_brin", type: Brin)\n', ''),
      ['model_index_missing'],
      { help: 'add to model Client: @@index([createdAt], map: "Client_createdAt_brin", type: Brin)' },
    ],
    [
      'an index in another order',
      instead('createdAt(sort: Desc)])\n  @@index([clientS', 'createdAt])\n  @@index([clientS'),
      ['model_index_differs'],
      { severity: 'warning', help: '@@index([guestUsername, createdAt(sort: Desc)])' },
    ],
    [
      'an index of another type',
      instead(', type: Brin', ''),
      ['model_index_differs'],
      {
        object: 'model Client, index "Client_createdAt_brin"',
        help: '@@index([createdAt], map: "Client_createdAt_brin", type: Brin)',
      },
    ],
    [
      'a declared index that is partial in the database, which Prisma does not see',
      instead(
        '@@index([createdAt, clientId])',
        '@@index([createdAt, clientId])\n  @@index([clientId, createdAt], map: "ChatMessage_unread_idx")',
      ),
      ['model_index_differs'],
      { help: 'remove prisma/schema.prisma:82' },
    ],
    [
      'a unique field whose index has another name',
      instead(
        'phone         String?       @unique',
        'phone         String?       @unique(map: "phone_key") // one client',
      ),
      ['model_index_differs'],
      { help: 'phone         String?       @unique // one client' },
    ],
    [
      'a unique field before a comment',
      instead('username      String        @unique', 'username      String // "of" a // client'),
      ['model_unique_missing'],
      { help: 'username      String @unique // "of" a // client' },
    ],
    [
      'nothing wrong with a unique field that is declared in a line of its own',
      instead('idempotencyKey  String?           @unique', 'idempotencyKey  String?').replace(
        '@@index([createdAt, clientId])',
        '@@index([createdAt, clientId])\n  @@unique([idempotencyKey])',
      ),
      [],
      {},
    ],
    [
      'a foreign key without relation',
      without(/^ {2}client .*\n/m).replace(/^ {2}chatMessages {2}ChatMessage.*\n/m, ''),
      ['model_relation_missing'],
      {
        severity: 'warning',
        help:
          'add to model ChatMessage: client Client? @relation(fields: [clientId], references: [id], onDelete: Restrict); then ' +
          'add to model Client: chatMessages ChatMessage[]; then npx prisma generate',
      },
    ],
    [
      'a schema without foreign keys',
      instead('provider = "postgresql"', 'provider     = "postgresql"\n  relationMode = "prisma"'),
      ['model_relation_missing', 'model_relation_missing', 'model_relation_missing'],
      { help: 'remove prisma/schema.prisma:8', place: { file: 'prisma/schema.prisma', line: 8 } },
    ],
    [
      'an index that the database lacks',
      instead('@@index([sessionId, createdAt])', '@@index([sessionId, createdAt])\n  @@index([body])'),
      ['model_index_unknown'],
      { severity: 'note', object: 'model ChatMessage, index "ChatMessage_text_idx"' },
    ],
    [
      'that the messages have no model',
      healthy.replace(/model ChatMessage \{[^}]*\}/, '').replace(/^.*ChatMessage\[\]\n/gm, ''),
      ['model_missing'],
      { severity: 'warning', object: 'table "ChatMessage"' },
    ],
  ])('finds %s', async ([, schema, codes, finding], { shared }) => {
    expect(schema).not.toBe(healthy)
    const { found, exitCode } = await compare(shared, schema)
    expect(found.map(({ code }) => code)).toEqual(codes)
    expect(found).toMatchObject(codes.length === 0 ? [] : [finding, ...found.slice(1).map(() => ({}))])
    expect(exitCode).toBe(found.some(({ severity }) => severity === 'error') ? 1 : 0)
  })

  test.for<readonly [what: string, breakage: string, codes: readonly string[]]>([
    [
      'a default on which the model relies',
      'ALTER TABLE "Client" ALTER COLUMN "id" DROP DEFAULT',
      ['model_default_missing'],
    ],
    ['a unique index on which the model relies', 'DROP INDEX "Client_phone_key"', ['model_unique_unfounded']],
    ['a label that came later', `ALTER TYPE "ClientStatus" ADD VALUE 'GUEST'`, ['model_enum_label_missing']],
    [
      'a column that takes NULL now',
      'ALTER TABLE "Client" ALTER COLUMN "pointsBalance" DROP NOT NULL',
      ['model_field_required'],
    ],
    [
      'a foreign key under another name',
      'ALTER TABLE "ChatMessage" RENAME CONSTRAINT "ChatMessage_clientId_fkey" TO "chat"',
      ['model_relation_differs'],
    ],
    [
      'no foreign key, where the model has a relation',
      'ALTER TABLE "ChatMessage" DROP CONSTRAINT "ChatMessage_clientId_fkey"',
      ['model_relation_unknown'],
    ],
    [
      'nothing about a primary key of two columns',
      'ALTER TABLE "ChatMessage" DROP CONSTRAINT "ChatMessage_pkey", ADD PRIMARY KEY ("id", "createdAt")',
      [],
    ],
    ['ids that became bigint', 'ALTER TABLE "User" ALTER COLUMN "id" TYPE bigint', ['model_type_differs']],
  ])('finds in the database %s', async ([, breakage, codes], { database }) => {
    await migrated(database, 'crm-before')
    await database.load(breakage)
    expect((await compare(database, healthy)).found.map(({ code }) => code)).toEqual(codes)
  })

  // As npx prisma db pull (6.19.3) declares the same indexes.
  test('declares indexes of the application as Prisma does', async ({ database }) => {
    await migrated(database, 'crm-before')
    await database.load(`
      CREATE INDEX a ON "ChatMessage" ("text" COLLATE "C", "sessionId" text_pattern_ops);
      CREATE INDEX b ON "ChatMessage" ("clientId") INCLUDE ("text");
      CREATE UNIQUE INDEX c ON "ChatMessage" ("id" DESC NULLS LAST, "clientId") NULLS NOT DISTINCT;
      CREATE INDEX d ON "ChatMessage" USING hash ("sessionId");
      CREATE INDEX e ON "ChatMessage" USING brin ("createdAt" timestamp_minmax_multi_ops);
      CREATE INDEX f ON "ChatMessage" USING gin (to_tsvector('simple', "text"));
      CREATE UNIQUE INDEX g ON "ChatMessage" ("imageName")`)
    expect((await compare(database, healthy)).found.map(({ help }) => help)).toEqual([
      'imageName       String? @unique(map: "g")',
      'add to model ChatMessage: @@index([body, sessionId], map: "a")',
      'add to model ChatMessage: @@index([clientId, body], map: "b")',
      'add to model ChatMessage: @@unique([id(sort: Desc), clientId], map: "c")',
      'add to model ChatMessage: @@index([sessionId], map: "d", type: Hash)',
      'add to model ChatMessage: @@index([createdAt(ops: TimestampMinMaxMultiOps)], map: "e", type: Brin)',
    ])
  })

  test('advises relations whose fields have different names', async ({ database }) => {
    await migrated(database, 'crm-before')
    await database.load(`
      ALTER TABLE "ChatMessage" ADD "referrerId" integer REFERENCES "Client";
      ALTER TABLE "ChatMessage" ADD "replyToId" integer REFERENCES "ChatMessage"`)
    const schema = without(/^ {2}client .*\n/m)
      .replace(/^ {2}chatMessages {2}ChatMessage.*\n/m, '')
      .replace(/^ {2}clientId .*\n/m, '$&  referrer Int? @map("referrerId")\n  replyToId Int?\n')
    const { found } = await compare(database, schema)
    const actions = 'onDelete: NoAction, onUpdate: NoAction'
    expect(found.map(({ help }) => help)).toEqual([
      'add to model ChatMessage: client_clientId Client? @relation("ChatMessage_clientId_fkey", fields: [clientId], references: [id], onDelete: Restrict); then ' +
        'add to model Client: chatMessages_clientId ChatMessage[] @relation("ChatMessage_clientId_fkey"); then npx prisma generate',
      `add to model ChatMessage: client_referrer Client? @relation("ChatMessage_referrerId_fkey", fields: [referrer], references: [id], ${actions}); then ` +
        'add to model Client: chatMessages_referrer ChatMessage[] @relation("ChatMessage_referrerId_fkey"); then npx prisma generate',
      `add to model ChatMessage: chatMessage_replyToId ChatMessage? @relation("ChatMessage_replyToId_fkey", fields: [replyToId], references: [id], ${actions}); then ` +
        'add to model ChatMessage: chatMessages_replyToId ChatMessage[] @relation("ChatMessage_replyToId_fkey"); then npx prisma generate',
    ])
  })

  test('names file and line of what cannot be parsed, and asks no database', async ({ shared }) => {
    const { exitCode, stderr } = await compare(
      shared,
      instead('mimeType        String?', 'mimeType String? nonsense !'),
    )
    expect(exitCode).toBe(2)
    expect(JSON.parse(stderr)).toMatchObject({
      message: 'prisma/schema.prisma:67:20: cannot be parsed',
      details: ['  mimeType String? nonsense !', `${' '.repeat(19)}^`],
    })
  })

  test.for([
    ['a file that is missing', { other: '' }, /cannot be read/],
    [
      'models of something else',
      { 'schema.prisma': 'model Post {\n  id Int @id\n}\n' },
      /no model in prisma\/schema.prisma belongs to the table/,
    ],
  ] as const)('refuses %s', async ([, files, words], { shared }) => {
    const cwd = await mkdtemp(join(folder, 'refused-'))
    await mkdir(join(cwd, 'prisma'))
    for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, 'prisma', name), text)
    const argv = ['verify', '--application-schema', 'prisma/schema.prisma', '--database-url', shared.url]
    const { exitCode, stderr } = await runChatkeep(argv, { cwd })
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(words)
  })

  test('annotates the line of the schema', async ({ shared }) => {
    const path = join(folder, 'schema.prisma')
    await writeFile(path, instead('clientId        Int?', 'clientId        Int'))
    const { stdout } = await on(shared, 'verify', '--format', 'github', '--application-schema', path)
    expect(stdout).toContain(`::error title=chatkeep verify%3A model_field_required,file=${path},line=57::`)
  })
})
