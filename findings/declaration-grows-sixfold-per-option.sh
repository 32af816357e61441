#!/usr/bin/env bash
# @commander-js/extra-typings 14.0.0 with commander 14.0.3 and TypeScript 6.0.3: the declaration of a generic helper that adds
# options to a command grows about sixfold with each option.
#
# What it does: a helper takes a Command<Args, Options, Globals>, chains `.option(…)` N times and returns the result, its type
# inferred. Type checking takes the same time for every N. The declaration that TypeScript writes for the helper (also what
# `tsc --incremental` computes to see whether a changed file has changed for others) has 4 kB, 22 kB, 133 kB, 801 kB for N = 2 to 5,
# because each step writes the whole inferred type of the step before it several times over.
# What most people expect: one more option adds one more property to the declaration.
# What follows: a few shared flags more make `tsc --declaration` write megabytes, and a project that switches on `incremental`
# sees a re-check after a one-line change take minutes where a full check takes seconds. An explicit return type avoids it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund typescript@6.0.3 @commander-js/extra-typings@14.0.0 commander@14.0.3 >/dev/null

declaration_bytes() { # number of options
  {
    echo "import type { Command, OptionValues } from '@commander-js/extra-typings'"
    echo 'export const withFlags = <A extends unknown[], O extends OptionValues, G extends OptionValues>(command: Command<A, O, G>) =>'
    echo '  command'
    for n in $(seq "$1"); do echo "    .option('--flag-$n <text>', 'flag $n')"; done
  } >flags.ts
  npx tsc --declaration --emitDeclarationOnly --outDir out --strict --skipLibCheck --module nodenext --target es2022 flags.ts
  wc -c <out/flags.d.ts
}

before=0
for options in 2 3 4 5; do
  bytes=$(declaration_bytes "$options")
  echo "$options options: $bytes bytes of declaration"
  if [ "$before" -gt 0 ] && [ "$bytes" -lt $((4 * before)) ]; then
    echo "changed: from one option to the next the declaration no longer grows fourfold" >&2
    exit 1
  fi
  before=$bytes
done
echo 'as described: each option multiplies the size of the declaration'
