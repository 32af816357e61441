#!/usr/bin/env bash
# Node.js 20.20.2 (npm package node@20.20.2): `--env-file` after the name of a script is looked at by Node itself.
#
# What it does: a script that prints its arguments is started as `node script.js --env-file settings.env`.
# What most people expect: as with every other flag, what stands behind the script belongs to the script, and Node looks only at
# what stands before it.
# What happens: Node does not load the file, but insists that it exists: with one that does not, the script never starts, and the
# exit code is Node's 9. So a command-line tool cannot have an --env-file with a default folder, an own error or an own exit code.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json
npm install --silent --no-audit --no-fund node@20.20.2 >/dev/null
node=node_modules/node/bin/node
"$node" --version
echo 'GREETING=from-the-file' >settings.env
echo 'console.log(process.argv.slice(2).join(" "), process.env.GREETING)' >script.js

existing=$("$node" script.js --env-file settings.env)
echo "the file exists: $existing"
set +e
missing=$("$node" script.js --env-file nowhere.env 2>&1)
code=$?
set -e
echo "it does not: exit $code, $missing"

if [ "$existing" != '--env-file settings.env undefined' ] || [ "$code" != 9 ]; then
  echo 'changed: Node leaves --env-file behind the script to the script' >&2
  exit 1
fi
echo 'as described: Node looked at a flag that was meant for the script'
