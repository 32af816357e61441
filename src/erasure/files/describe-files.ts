import { basename } from 'node:path'
import { printable } from '../../terminal/printable.js'
import { count } from '../../terminal/render.js'
import type { FileFlags } from './open-files.js'
import type { FilePrice } from './scan-files.js'

/** How many lines of the files are the person's. */
export const linesOf = (files: readonly FilePrice[]): number => files.reduce((sum, { lines }) => sum + lines, 0)

/** That nothing is kept of a person. */
export const nothingOf = (hasFiles: boolean): string =>
  `the database ${hasFiles ? 'and the files hold' : 'holds'} nothing of this person`

/** Whether both kinds of files were named: who runs no server with them has none. */
export const areNamed = ({ journal, recording }: FileFlags): boolean => journal !== undefined && recording !== undefined

/** What the files hold of a person. */
export const fileLines = (files: readonly FilePrice[]): readonly string[] =>
  files.map(({ kind, path, lines }) => printable(`${kind} ${basename(path)}: ${count(lines, 'line')}`))

/** What stays, because nobody can tell whose it is. */
export const leftLines = (files: readonly FilePrice[], setAside: readonly string[]): readonly string[] => [
  ...files
    .filter(({ unreadableCount }) => unreadableCount > 0)
    .map(({ path, unreadable, unreadableCount }) => {
      const more = unreadableCount > unreadable.length ? ', …' : ''
      const which = `${unreadableCount === 1 ? 'line' : 'lines'} ${unreadable.join(', ')}${more}`
      return printable(
        `note: ${path}: ${which} cannot be read, may be of anybody, and ${unreadableCount === 1 ? 'stays as it is' : 'stay as they are'}`,
      )
    }),
  ...files
    .filter(({ undecided }) => undecided > 0)
    .map(({ path, undecided }) =>
      printable(
        `note: ${path}: ${count(undecided, 'line')} under a name that this person has or had may be of somebody else who had it, and ${undecided === 1 ? 'stays' : 'stay'}`,
      ),
    ),
  ...setAside.map((path) => printable(`note: ${path} was found damaged and set aside: remove it when nobody needs it`)),
]
