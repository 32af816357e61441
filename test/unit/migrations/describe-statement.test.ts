import { expect, test } from 'vitest'
import { splitStatements } from '../../../src/migrations/ledger/split-statements.js'
import { describeStatement } from '../../../src/migrations/plan/describe-statement.js'

test.for([
  ['CREATE INDEX CONCURRENTLY "i" ON "t" ("a")', 'create index i, concurrently'],
  ['CREATE UNIQUE INDEX "i" ON "t" ("a")', 'create unique index i'],
  ['DROP INDEX CONCURRENTLY IF EXISTS "i", "j"', 'drop index i, j, concurrently'],
  [
    'ALTER TABLE "public"."t" ALTER COLUMN "a" DROP NOT NULL, ADD COLUMN IF NOT EXISTS "b" text, ADD COLUMN "c" text',
    'alter t: drop NOT NULL of a, add columns b, c',
  ],
  ['ALTER TABLE "t" DROP COLUMN "a"', 'alter t: drop column a'],
  ['ALTER TABLE "t" ALTER "a" SET NOT NULL, ALTER "b" TYPE text', 'alter t: set a NOT NULL, change the type of b'],
  [
    'ALTER TABLE "t" ALTER "a" SET DEFAULT 1, ALTER "b" DROP DEFAULT',
    'alter t: set the default of a, drop the default of b',
  ],
  ['ALTER TABLE "t" ADD CONSTRAINT "c" CHECK (true) NOT VALID', 'alter t: add constraint c (not validated)'],
  ['ALTER TABLE "t" VALIDATE CONSTRAINT "c", DROP CONSTRAINT "d"', 'alter t: validate constraint c, drop constraint d'],
  ['ALTER TABLE "t" ENABLE ALWAYS TRIGGER "g"', 'alter t: enable always trigger g'],
  ['COMMENT ON COLUMN "t"."a" IS $$it$$', 'comment on column t.a'],
  ['COMMENT ON SCHEMA "s" IS NULL', 'comment on schema s'],
  ['CREATE SCHEMA "chatkeep"', 'create schema chatkeep'],
  ['CREATE TABLE "chatkeep"."runs" ("id" integer)', 'create table chatkeep.runs'],
  [`CREATE TYPE "e" AS ENUM ('a')`, 'create type e'],
  [`CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'`, 'create function s.f'],
  ['DROP FUNCTION IF EXISTS s.f()', 'drop function s.f'],
  ['DROP TYPE "e"', 'drop type e'],
  ['CREATE TRIGGER "g" BEFORE INSERT ON "t" FOR EACH ROW EXECUTE FUNCTION f()', 'create trigger g on t'],
  ['DROP TRIGGER "g" ON "public"."t"', 'drop trigger g on t'],
  ['INSERT INTO "t" SELECT 1', 'insert into t'],
  ['UPDATE "t" SET "a" = 1', 'update t'],
  ['DELETE FROM "t"', 'delete from t'],
  [
    'WITH a AS (SELECT 1), b AS (DELETE FROM "t" RETURNING *) INSERT INTO "u" SELECT * FROM b',
    'delete from t, insert into u',
  ],
  ['SELECT count(*) FROM "t", "u"', 'select from t, u'],
  ['GRANT SELECT ON "t" TO "u"', 'GRANT SELECT ON "t" TO "u"'],
  [
    `DO $$ BEGIN\n  -- a comment\n  EXECUTE 'DROP TABLE something with a long name and more'; END $$`,
    `DO $$ BEGIN EXECUTE 'DROP TABLE something with a long name…`,
  ],
])('%s', async ([sql = '', words]) => {
  const [statement] = await splitStatements(sql)
  expect(statement === undefined ? undefined : describeStatement(statement)).toBe(words)
})
