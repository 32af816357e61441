#!/usr/bin/env bash
# @mrleebo/prisma-ast 0.15.0: a field "café" is read as "caf", without an error.
#
# What it does: parses a schema that `npx prisma validate` calls valid, with letters beyond ASCII in a name and a comment between /* and */.
# What most people expect: the names as they stand in the schema, or an error.
# What happens: the lexer skips what it does not know, and its list of errors is not read. A letter at the end of a name is lost; in the
# middle of a name it is a syntax error further on; the words of a comment are read as fields.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund @mrleebo/prisma-ast@0.15.0 >/dev/null
cat >parse.js <<'SCRIPT'
const { getSchema } = require('@mrleebo/prisma-ast')
const fields = (lines) =>
  getSchema(`model A {\n  id Int @id\n${lines}\n}\n`).list[0].properties.map(({ name, fieldType }) => `${name} ${fieldType}`)
console.log(fields('  café String').join(', '))
console.log(fields('  /* old Int */').join(', '))
SCRIPT
node parse.js | tee seen.txt

cat >expected.txt <<'TEXT'
id Int, caf String
id Int, old Int
TEXT
if ! diff expected.txt seen.txt; then
  echo 'changed: the parser knows such names, or refuses them' >&2
  exit 1
fi
echo 'as described: a letter is lost, and a comment is read as a field'
