#!/usr/bin/env bash
# esbuild 0.28.2 with zod 4.6.7: one use of z.core.$ZodError makes a bundle 49 times as large (8 kB: 409 kB). Rollup 4.68.8: no change.
#
# What it does: bundles a program that checks one string with zod/mini, the small build of zod, minified. Then the same program
# with one more line, `error instanceof z.core.$ZodError`, as an error handler has it. Then with that class imported by its own
# name, from zod/v4/core. The same three with Rollup.
# What most people expect: the line costs next to nothing, as it does with Rollup: the class is in the bundle anyway.
# What happens: `core` is a namespace that zod/mini exports. esbuild shakes unused exports out of the namespace that a program imports,
# but not out of one inside of that: it becomes an object with all that zod has, its messages in sixty languages included.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund esbuild@0.28.2 zod@4.6.7 rollup@4.68.8 @rollup/plugin-node-resolve@16.0.3 >/dev/null
cat >plain.js <<'SCRIPT'
import * as z from 'zod/mini'
export const check = (value) => z.string().safeParse(value).success
SCRIPT
{ cat plain.js; echo 'export const isOurs = (error) => error instanceof z.core.$ZodError'; } >nested.js
{ cat plain.js; echo "import { \$ZodError } from 'zod/v4/core'"; echo 'export const isOurs = (error) => error instanceof $ZodError'; } >named.js
cat >measure.js <<'SCRIPT'
import { build, transform } from 'esbuild'
import { rollup } from 'rollup'
import resolve from '@rollup/plugin-node-resolve'
const minify = async (code) => (await transform(code, { minify: true })).code.length
const withEsbuild = async (entry) => {
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, minify: true, format: 'esm', write: false })
  return outputFiles[0].contents.length
}
const withRollup = async (entry) => {
  const bundle = await rollup({ input: entry, plugins: [resolve()], onLog: () => {} })
  return minify((await bundle.generate({ format: 'esm' })).output[0].code)
}
const sizes = async (measure) => Promise.all(['plain.js', 'nested.js', 'named.js'].map(measure))
const [ofEsbuild, ofRollup] = [await sizes(withEsbuild), await sizes(withRollup)]
console.log(`bytes without the class, as z.core.$ZodError, by its own name: esbuild ${ofEsbuild}; Rollup ${ofRollup}`)
const isLarger = ([plain, nested, named]) => nested > 40 * plain && named < 1.1 * plain
const isSame = ([plain, nested, named]) => nested < 1.1 * plain && named < 1.1 * plain
process.exitCode = isLarger(ofEsbuild) && isSame(ofRollup) ? 0 : 1
SCRIPT
if node measure.js; then
  echo 'as described: esbuild keeps all of the nested namespace'
else
  echo 'changed: the nested namespace does not cost forty times as much any more' >&2
  exit 1
fi
