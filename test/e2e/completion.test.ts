import { spawn, spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { binary, whenEnded } from '../support/chatkeep-process.js'

const TAB = '\t'
/** In bash: all candidates at once. */
const INSERT_ALL = '\u001b*'

/** A shell, how it is started, and how `show`, which prints its words, is completed as chatkeep. */
const SHELLS = {
  bash: {
    start: 'bash --norc --noprofile -i',
    source: 'source <(chatkeep completion bash)',
    show: `show() { printf '<%s>' "$@"; echo; }; complete -F _chatkeep show`,
  },
  zsh: {
    start: 'zsh -f -i',
    source: 'source <(chatkeep completion zsh)',
    show: `show() { printf '<%s>' "$@"; echo; }; compdef _chatkeep show; unsetopt prompt_sp; setopt no_list_ambiguous`,
  },
  fish: {
    start: 'fish --no-config -i',
    source: 'chatkeep completion fish | source',
    show: `function show; printf '<%s>' $argv; echo; end; complete -c show -f -a '(__chatkeep_complete)'`,
  },
} as const

type ShellName = keyof typeof SHELLS

/** Types lines into a shell on a terminal, and returns what \`show\` printed. */
const typeInto = async (name: ShellName, ...lines: readonly string[]): Promise<readonly string[]> => {
  const { start, source, show } = SHELLS[name]
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-shell-'))
  await writeFile(join(folder, 'talk.ndjson'), '')
  await writeFile(join(folder, 'chatkeep'), `#!/bin/sh\nexec '${process.execPath}' '${binary}' "$@"\n`)
  await chmod(join(folder, 'chatkeep'), 0o755)
  const env = {
    PATH: `${folder}:${process.env.PATH ?? ''}`,
    HOME: folder,
    TERM: 'dumb',
    LC_ALL: 'C.UTF-8',
    PGHOST: '/nowhere',
  }
  const terminal = spawn('script', ['-qec', start, '/dev/null'], { cwd: folder, env })
  const ended = whenEnded(terminal)
  // Sourced twice: what the second one says would be between the others.
  for (const line of [source, source, show, ...lines.map((words) => `show ${words}`), 'exit'])
    terminal.stdin.write(`${line}\n`)
  const { stdout } = await ended
  await rm(folder, { recursive: true })
  expect(stdout).not.toMatch(/readonly|not found|error/i)
  return Array.from(stdout.matchAll(/^(?:.*[$%>] )?(<[^\r\n]*>)\r?$/gm), ([, shown = '']) => shown)
}

const isHere = (name: string): boolean => spawnSync(name, ['--version']).error === undefined

describe('completion', () => {
  test.runIf(isHere('script')).for(['bash', 'zsh', 'fish'] as const)(
    'works in %s, if it is installed',
    async (name, { skip }) => {
      if (!isHere(name)) skip(`${name} is not installed`)
      const shown = await typeInto(
        name,
        `mig${TAB}`,
        `-d x ver${TAB}--js${TAB}`,
        `replay ta${TAB}`,
        `verify --format=ju${TAB}`,
        `verify --fail-on w${TAB}`,
        `explain index_inv${TAB}`,
      )
      expect(shown).toEqual([
        '<migrate>',
        '<-d><x><verify><--json>',
        '<replay><talk.ndjson>',
        '<verify><--format=junit>',
        '<verify><--fail-on><warning>',
        '<explain><index_invalid>',
      ])
    },
  )

  test.runIf(isHere('script') && isHere('bash'))('offers words, and no sentence of a help', async () => {
    const [all = '', none] = await typeInto('bash', INSERT_ALL, `verify --schema ${INSERT_ALL}`)
    expect(all.slice(1, -1).split('><')).toEqual([
      'completion',
      'demo',
      'doctor',
      'erase',
      'explain',
      'export',
      'help',
      'metrics',
      'migrate',
      'reconcile',
      'replay',
      'retain',
      'rollback',
      'serve',
      'status',
      'verify',
    ])
    expect(none).toBe('<verify><--schema>')
  })
})
