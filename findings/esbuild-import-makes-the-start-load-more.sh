#!/usr/bin/env bash
# esbuild 0.28.2 with zod 4.6.7: an import() that never runs makes a program load six times as much at its start (12 kB: 73 kB).
#
# What it does: bundles a program that checks one object with zod/mini, the small build of zod, with splitting and minification. Then the
# same program with one more function that nobody calls, which would load a second file by import(); that file uses all of zod.
# What most people expect: what only the second file uses is in a file of its own, and the start loads what it loaded before.
# What happens: both builds of zod share their core. esbuild shakes unused exports out of a bundle, but when it splits, it moves
# whole modules: of a module that both use, everything that either uses is in the one file that both load. The start then loads
# what only the part that is not loaded needs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund esbuild@0.28.2 zod@4.6.7 >/dev/null
cat >start.js <<'SCRIPT'
import * as z from 'zod/mini'
export const check = (value) => z.object({ text: z.string() }).safeParse(value).success
SCRIPT
cat >later.js <<'SCRIPT'
import * as z from 'zod'
export const schema = z.object({ text: z.string().min(1) })
SCRIPT
{ cat start.js; echo "export const later = () => import('./later.js')"; } >with-later.js
cat >measure.js <<'SCRIPT'
import { build } from 'esbuild'
const bytesAtStart = async (entry) => {
  const { metafile } = await build({
    ...{ entryPoints: [entry], bundle: true, splitting: true, minify: true, format: 'esm', outdir: 'out', metafile: true, write: false },
  })
  const load = (path, seen) => {
    if (seen.has(path)) return seen
    seen.add(path)
    for (const { path: next, kind } of metafile.outputs[path].imports) if (kind === 'import-statement') load(next, seen)
    return seen
  }
  const start = `out/${entry}`
  return [...load(start, new Set())].reduce((sum, path) => sum + metafile.outputs[path].bytes, 0)
}
const [alone, withLater] = [await bytesAtStart('start.js'), await bytesAtStart('with-later.js')]
console.log(`bytes at the start: ${alone}; with an import() that does not run: ${withLater}`)
process.exitCode = withLater > 5 * alone ? 0 : 1
SCRIPT
if node measure.js; then
  echo 'as described: the start loads more than five times as much'
else
  echo 'changed: the start does not load five times as much any more' >&2
  exit 1
fi
