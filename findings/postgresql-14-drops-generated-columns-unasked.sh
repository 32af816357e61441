#!/usr/bin/env bash
# PostgreSQL 14.23 against 15.18 (embedded-postgres 14.23.0-beta.17 and 15.18.0-beta.17): DROP COLUMN takes generated columns of
# the same table with it in 14, without CASCADE, error or notice; 15 and later refuse.
#
# What it does: a table with a column and a second one GENERATED ALWAYS AS (an expression of the first) STORED. Then
# ALTER TABLE … DROP COLUMN of the first, with the default RESTRICT.
# What most people expect: the same error as for a view or a policy that uses the column (2BP01), in every version: a migration
# tried on a newer server and run on an older one is refused on both.
# What happens: on 14 the statement succeeds, and the generated column and its data are gone; on 15 it fails, and names the column.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"

try() { # version
  mkdir "$folder/$1"
  cd "$folder/$1"
  echo '{ "private": true, "type": "module" }' >package.json
  npm install --silent --no-audit --no-fund "embedded-postgres@$1" pg@8.16.3 >/dev/null
  cat >try.mjs <<'SCRIPT'
import { createServer } from 'node:net'
import EmbeddedPostgres from 'embedded-postgres'
const probe = createServer().listen(0, '127.0.0.1')
await new Promise((done) => probe.on('listening', done))
const { port } = probe.address()
await new Promise((done) => probe.close(done))
const server = new EmbeddedPostgres({
  databaseDir: './data', port, user: 'postgres', password: 'x', persistent: false,
  createPostgresUser: process.getuid() === 0, onLog: () => {}, onError: () => {},
})
await server.initialise()
await server.start()
const client = server.getPgClient()
await client.connect()
const version = (await client.query('SHOW server_version')).rows[0].server_version.split(' ')[0]
await client.query('CREATE TABLE t (id integer, name text, upper_name text GENERATED ALWAYS AS (upper(name)) STORED)')
const outcome = await client.query('ALTER TABLE t DROP COLUMN name').then(() => 'succeeds', (error) => `fails with ${error.code}`)
const { rows } = await client.query(`SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 AND NOT attisdropped`)
console.log(`${version}: DROP COLUMN ${outcome}; left: ${rows.map(({ attname }) => attname).join(', ')}`)
await client.end()
await server.stop()
process.exit(0)
SCRIPT
  node try.mjs
}

{
  try 14.23.0-beta.17
  try 15.18.0-beta.17
} | tee "$folder/seen.txt"
for expected in '14.23: DROP COLUMN succeeds; left: id' '15.18: DROP COLUMN fails with 2BP01; left: id, name, upper_name'; do
  if ! grep -qxF "$expected" "$folder/seen.txt"; then
    echo "changed: not seen any more: $expected" >&2
    exit 1
  fi
done
echo 'as described: 14 drops the generated column, 15 refuses'
