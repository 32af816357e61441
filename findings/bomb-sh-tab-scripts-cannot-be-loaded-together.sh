#!/usr/bin/env bash
# @bomb.sh/tab 0.0.22: the bash completions of two command-line tools that use it print errors when both are loaded.
#
# What it does: two tools with different names have the completion script that the library writes. One shell sources both, as a
# ~/.bashrc does; another shell sources the script of one tool twice, as `source ~/.bashrc` after an edit does.
# What most people expect: a completion script is loaded silently, also beside another one, and also again.
# What happens: every script declares the same six names as readonly global variables. The second one to be loaded prints six lines
# "readonly variable" at each start of the shell, and they name neither the tool nor what to do. Completion works nevertheless.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @bomb.sh/tab@0.0.22 >/dev/null
cat >write.js <<'SCRIPT'
import tab from '@bomb.sh/tab'

tab.command('status', 'Show the state')
tab.setup(process.argv[2], process.argv[2], 'bash')
SCRIPT
node write.js first >first.bash
node write.js second >second.bash

load() { # scripts
  local errors
  errors=$(LC_ALL=C bash -c 'for script in "$@"; do source "$script"; done' bash "$@" 2>&1 | grep -c 'readonly variable' || true)
  echo "loaded $*: $errors errors"
}
{
  load ./first.bash
  load ./first.bash ./second.bash
  load ./first.bash ./first.bash
} | tee seen.txt

cat >expected.txt <<'TEXT'
loaded ./first.bash: 0 errors
loaded ./first.bash ./second.bash: 6 errors
loaded ./first.bash ./first.bash: 6 errors
TEXT
if ! diff expected.txt seen.txt; then
  echo 'changed: the completions of two tools can be loaded together' >&2
  exit 1
fi
echo 'as described: the second completion script prints errors'
