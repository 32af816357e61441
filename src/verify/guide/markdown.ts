import MarkdownIt from 'markdown-it'

/** A line of a fence's content, and where it stands in the file. */
export interface FenceLine {
  /** From 1. */
  readonly number: number
  readonly text: string
  /** The line of the file. */
  readonly source: string
  /** Index in `source` at which `text` begins: a fence in a list is indented. */
  readonly start: number
}

export interface Fence {
  /** The first word behind the fence, in lower case; '' if there is none. */
  readonly language: string
  /** Of the line that opens the fence. */
  readonly number: number
  /** The nearest heading above it; '' if there is none. */
  readonly section: string
  /** The texts between it and the fence before it. */
  readonly before: readonly Passage[]
  readonly lines: readonly FenceLine[]
}

export interface Passage {
  readonly kind: 'heading' | 'text'
  readonly text: string
}

/** All fences of a CommonMark text, also those in lists and quotations, in their order. */
export const fencesOf = (markdown: string): readonly Fence[] => {
  // A byte order mark is no part of the first line.
  const text = markdown.replace(/^\uFEFF/, '')
  const source = text.split(/\r\n|\r|\n/)
  const fences: Fence[] = []
  let before: Passage[] = []
  let section = ''
  let isHeading = false
  for (const { type, content, info, map } of parser.parse(text, {})) {
    if (type === 'heading_open') isHeading = true
    else if (type === 'inline' || type === 'html_block') {
      before.push({ kind: isHeading ? 'heading' : 'text', text: content })
      if (isHeading) section = content
      isHeading = false
    } else if (type === 'fence') {
      const number = (map?.[0] ?? 0) + 1
      fences.push({ language: languageOf(info), number, section, before, lines: linesOf(content, source, number) })
      before = []
    }
  }
  return fences
}

// Links and emphasis are not looked at.
const parser = new MarkdownIt('commonmark')

/** Also of `{.sql}` and `sql {#id}`. */
const languageOf = (info: string): string => (/[\w+#-]+/.exec(info)?.[0] ?? '').toLowerCase()

const linesOf = (content: string, source: readonly string[], opening: number): readonly FenceLine[] =>
  content === ''
    ? []
    : content
        .replace(/\n$/, '')
        .split('\n')
        .map((text, index) => {
          const line = source[opening + index] ?? ''
          return { number: opening + index + 1, text, source: line, start: Math.max(0, line.length - text.length) }
        })
