#!/usr/bin/env bash
# drizzle-kit 0.31.11 (with drizzle-orm 0.45.4; PostgreSQL 17.5 in PGlite 0.3.14): the schema that `pull` writes of a valid
# database cannot be created again.
#
# What it does: two plain tables with indexes on two columns, one of them with DESC, one with an expression. `drizzle-kit pull`
# writes a schema.ts, `drizzle-kit export` prints the SQL of that file, which goes into an empty database.
# What most people expect: the same tables and indexes as before.
# What happens: (1) operator classes stand at the wrong columns ("author" timestamp_ops, "sent" int4_ops; which index it hits
# differs), and the server refuses them. (2) Beside an expression, a column loses its quotes, and "authorId" is looked up as
# authorid. (3) DESC is gone: such an index would be created with another order. `push` right after `pull` says "No changes detected", so nobody notices before a fresh database,
# a test container or a new colleague needs the schema.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund drizzle-kit@0.31.11 drizzle-orm@0.45.4 @electric-sql/pglite@0.3.14 >/dev/null

cat >database.mjs <<'SCRIPT'
import { PGlite } from '@electric-sql/pglite'
const db = new PGlite('./database')
await db.exec(`
  CREATE TABLE message (id integer PRIMARY KEY, room text NOT NULL, sent timestamp NOT NULL, author integer NOT NULL);
  CREATE INDEX by_room ON message (room, sent DESC);
  CREATE INDEX by_author ON message (author, sent);
  CREATE TABLE note (id integer PRIMARY KEY, sent timestamp NOT NULL, "authorId" integer NOT NULL);
  CREATE INDEX by_hour ON note (date_trunc('hour', sent), "authorId")`)
await db.close()
SCRIPT
cat >drizzle.config.ts <<'SCRIPT'
import { defineConfig } from 'drizzle-kit'
export default defineConfig({
  dialect: 'postgresql',
  driver: 'pglite',
  dbCredentials: { url: './database' },
  out: './drizzle',
  schema: './drizzle/schema.ts',
})
SCRIPT
cat >create-again.mjs <<'SCRIPT'
import { readFileSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
const db = new PGlite()
for (const part of readFileSync('export.sql', 'utf8').split(';')) {
  const statement = part.slice(part.indexOf('CREATE')).trim()
  if (!statement.startsWith('CREATE')) continue
  const name = /(?:TABLE|INDEX) "(\w+)"/.exec(statement)[1]
  try {
    await db.exec(statement)
    console.log(`${name}: created`)
  } catch (error) {
    console.log(`${name}: ${error.message}`)
  }
}
SCRIPT
node database.mjs
npx drizzle-kit pull >pull.log 2>&1
npx drizzle-kit export >export.sql 2>&1
node create-again.mjs | tee seen.txt

changed() {
  echo "changed: $1" >&2
  exit 1
}
grep -q 'operator class .* does not accept data type' seen.txt || changed 'no operator class at a wrong column'
grep -qxF 'by_hour: column "authorid" does not exist' seen.txt || changed 'the column beside an expression keeps its quotes'
! grep -q 'DESC' export.sql || changed 'DESC is kept'
echo 'as described: what drizzle-kit pulled cannot be created again'
