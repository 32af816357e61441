#!/usr/bin/env bash
# @mrleebo/prisma-ast 0.15.0: importing it runs a file of the working directory.
#
# What it does: a program in one folder imports the parser of Prisma schemas, and is started in a folder that has a file
# prisma-ast.config.js. It parses nothing.
# What most people expect: importing a parser runs the parser's code only; what it parses is an argument.
# What happens: at its import the module makes a default parser, and for it looks for a configuration with lilconfig, from the working
# directory upwards, and requires what it finds. A tool that reads schemas of others, such as a check in CI, so runs code of the folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir tool untrusted
echo '{ "private": true, "type": "module" }' >tool/package.json
(cd tool && npm install --silent --ignore-scripts --no-audit --no-fund @mrleebo/prisma-ast@0.15.0 >/dev/null)
echo "import '@mrleebo/prisma-ast'" >tool/import.js
echo "console.log('code of the working directory ran')" >untrusted/prisma-ast.config.js
(cd untrusted && node ../tool/import.js) | tee seen.txt

echo 'code of the working directory ran' >expected.txt
if ! diff expected.txt seen.txt; then
  echo 'changed: importing it runs nothing of the working directory' >&2
  exit 1
fi
echo 'as described: importing the parser ran a file of the working directory'
