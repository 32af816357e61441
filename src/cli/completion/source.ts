import type { Argument, Option } from '@commander-js/extra-typings'
import type { Offer, Source, SourceContext } from './candidate.js'

// Commander keeps nothing of ours with an option but its choices, which it would also enforce.
const sources = new WeakMap<object, Source>()

/** Whether the values of an option or argument are known. */
export const hasValues = (item: Option | Argument): boolean =>
  item.argChoices !== undefined || sources.has(item) || valueName(item) in VALUES

/** Says where the values of an option or argument come from, for completion in the shell. */
export const withValues = <T extends object>(item: T, source: Source): T => {
  sources.set(item, source)
  return item
}

const databasesAndServices: Source = async (context) => (await import('./databases.js')).databasesAndServices(context)

/** What the name of a value in the help, such as `--journal <file>`, stands for. */
export const VALUES: Readonly<Record<string, 'files' | 'folders' | Source>> = {
  file: 'files',
  path: 'files',
  guide: 'files',
  state: 'files',
  dir: 'folders',
  target: databasesAndServices,
}

/** What to offer for the value of an option or argument. */
export const offerFor = async (item: Option | Argument, context: SourceContext): Promise<Offer> => {
  if (item.argChoices !== undefined) return item.argChoices.map((choice) => [choice, ''])
  const source = sources.get(item) ?? VALUES[valueName(item)] ?? []
  return typeof source === 'function' ? source(context) : source
}

/** `file` of `--journal <file>`, or of the argument `[file]`. */
export const valueName = (item: Option | Argument): string =>
  'flags' in item ? (/[<[]([^\]>.]+)/.exec(item.flags)?.[1] ?? '') : item.name()
