import { format, resolveConfig } from 'prettier'
import type { Generated } from './generated/index.js'

/** What a page should hold: the whole of it made anew, or one section of what it holds now. */
export const renderGenerated = async (
  { path, section, render }: Generated,
  present: string | undefined,
): Promise<string> => {
  const text = section === undefined ? render() : replaceSection(path, present ?? '', section, render())
  return format(text, { ...(await resolveConfig('package.json')), filepath: path })
}

const replaceSection = (path: string, text: string, section: string, content: string): string => {
  const begin = `<!-- generated: ${section} -->`
  const end = '<!-- end -->'
  const from = text.indexOf(begin)
  const to = text.indexOf(end, from)
  if (from === -1 || to === -1) throw new Error(`${path} has no ${begin} … ${end}`)
  return `${text.slice(0, from)}${begin}\n\n${content}\n\n${text.slice(to)}`
}
