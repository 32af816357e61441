#!/usr/bin/env bash
# pg 8.23.1 on Node.js 20.20.2 and 22.23.3 (npm package node): on 20, importing pg loads the whole implementation of fetch.
#
# What it does: `import 'pg'`, without a connection, and a look at which modules of Node itself that loads (process.moduleLoadList).
# What most people expect: a client for PostgreSQL needs sockets and TLS; importing it costs the same on both versions.
# What happens: while it loads, pg asks whether it runs in a Cloudflare Worker. A global navigator answers that (Node 21 and later);
# where there is none, pg makes a Response to look at it, and for that Node loads undici and all that it needs. Every start of a
# command-line tool that imports pg at the top pays for it. A navigator set before the import avoids it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/load.mjs" <<'SCRIPT'
const version = process.versions.node.split('.')[0]
const own = process.argv[2] === 'own'
if (own) Object.defineProperty(globalThis, 'navigator', { value: { userAgent: `Node.js/${version}` } })
globalThis.navigator?.userAgent
const before = new Set(process.moduleLoadList)
await import('pg')
const loaded = process.moduleLoadList.filter((name) => !before.has(name))
const fetch = loaded.some((name) => name.includes('undici/undici')) ? 'with fetch' : 'without fetch'
console.log(`Node ${version}${own ? ' with a navigator of its own' : ''}: ${fetch} (${loaded.length} modules of Node)`)
SCRIPT
try() { # version, 'own' for a navigator of its own
  mkdir -p "$folder/$1"
  cd "$folder/$1"
  if [ ! -d node_modules ]; then
    echo '{ "private": true }' >package.json
    npm install --silent --no-audit --no-fund "node@$1" pg@8.23.1 >/dev/null
    cp ../load.mjs .
  fi
  node_modules/node/bin/node load.mjs "${2:-}"
}

{
  try 20.20.2
  try 20.20.2 own
  try 22.23.3
} | tee "$folder/seen.txt"
for expected in 'Node 20: with fetch' 'Node 20 with a navigator of its own: without fetch' 'Node 22: without fetch'; do
  if ! grep -qF "$expected (" "$folder/seen.txt"; then
    echo "changed: not seen any more: $expected" >&2
    exit 1
  fi
done
echo 'as described: on Node 20, importing pg loads fetch'
