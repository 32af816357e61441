import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repository } from '../chatkeep-process.js'

/** One page of the documentation. */
export interface Page {
  /** From the root of the repository, with forward slashes. */
  readonly path: string
  readonly text: string
}

export const pageFile = (path: string): string => join(repository, path)

/** All pages that are written for readers: README, CHANGELOG and everything in docs/. */
export const readPages = async (): Promise<readonly Page[]> => {
  const names = await readdir(pageFile('docs'), { recursive: true })
  const paths = names.filter((name) => name.endsWith('.md')).map((name) => `docs/${name.replaceAll('\\', '/')}`)
  return Promise.all(['README.md', 'CHANGELOG.md', ...paths.sort()].map(readPage))
}

export const readPage = async (path: string): Promise<Page> => ({ path, text: await readFile(pageFile(path), 'utf8') })
