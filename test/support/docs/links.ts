import { posix } from 'node:path'
import type { Page } from './pages.js'

/** A link of a page to another place in the repository. */
export interface Link {
  /** As it stands on the page. */
  readonly text: string
  /** The file, from the root of the repository. */
  readonly path: string
  /** What stands behind the #; '' for the page itself. */
  readonly anchor: string
}

/** All links of a page that name no other site. */
export const linksOf = ({ path, text }: Page): readonly Link[] =>
  Array.from(withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = '', anchor = ''] = target.split('#')
      return { text: target, anchor, path: file === '' ? path : posix.join(posix.dirname(path), file) }
    })

/** The anchors of a page's headings, made as GitHub makes them. */
export const anchorsOf = ({ text }: Page): readonly string[] => {
  const seen = new Map<string, number>()
  return Array.from(withoutBlocks(text).matchAll(/^#+ (.*)$/gm), ([, heading = '']) => {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}\- _]/gu, '')
      .replaceAll(' ', '-')
    const before = seen.get(anchor) ?? 0
    seen.set(anchor, before + 1)
    return before === 0 ? anchor : `${anchor}-${before}`
  })
}

const withoutBlocks = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, '')
const withoutCode = (text: string): string => withoutBlocks(text).replace(/`[^`\n]*`/g, '')
