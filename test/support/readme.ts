import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repository } from './chatkeep-process.js'

export const readmePath = join(repository, 'README.md')

/** A ```console block: the command after `$ chatkeep`, and the screen below it. */
export interface ConsoleBlock {
  readonly argv: readonly string[]
  readonly screen: string
  /** The block as it stands in the file. */
  readonly source: string
}

const CONSOLE_BLOCK = /```console\n\$ chatkeep ([^\n]*)\n([\s\S]*?)```/g

export const readConsoleBlocks = async (): Promise<readonly ConsoleBlock[]> =>
  Array.from((await readFile(readmePath, 'utf8')).matchAll(CONSOLE_BLOCK), ([source, command = '', screen = '']) => ({
    argv: command.split(' '),
    screen,
    source,
  }))

/** The first ```ts block. */
export const readLibraryExample = async (): Promise<string> =>
  /```ts\n([\s\S]*?)```/.exec(await readFile(readmePath, 'utf8'))?.[1] ?? ''

/** What differs from run to run: durations, rates, instants, addresses, versions, random names, sizes that follow the clock. */
export const maskVarying = (screen: string): string =>
  screen
    .replace(/\d+(\.\d+)? (ms|s)\b/g, '# ms')
    .replace(/[\d,]+( messages)?\/s/g, '#/s')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '#Z')
    .replace(/\S+ on \S+ as \S+/g, 'crm on # as #')
    .replace(/PostgreSQL .*? {2}/g, 'PostgreSQL #  ')
    .replace(/127\.0\.0\.1:\d+/g, '#')
    .replace(/(plan hash: |--plan-hash )\w{16}/g, '$1#')
    .replace(/(~[\d,]+ rows|rows unknown \(never analysed\)), [\d.]+ \w+/g, '# rows')
    .replace(/checksum \d+/g, 'checksum #')
    .replace(/chatkeep-smoke-\w+/g, 'chatkeep-smoke-#')
    // Ids depend on which of two guests came first.
    .replace(/\b(messages?|clientId) \d[\d, ]*/g, '$1 # ')
    .replace(/[ -]+/g, ' ')
