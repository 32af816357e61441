import { printable } from '../terminal/printable.js'
import type { Render } from '../terminal/render.js'
import { lengthOf, wrapText } from '../terminal/wrap.js'

/** A labelled list of facts. */
export interface Section {
  readonly label: string
  readonly facts: readonly string[]
}

const LABEL_WIDTH = 10

/** The facts behind their label; a line ends between two of them where it can. */
export const renderSection = ({ label, facts }: Section, { width }: Render): string => {
  const lines = ['']
  for (const [index, fact] of facts.map(printable).entries()) {
    const ending = index === facts.length - 1 || fact.endsWith(';') ? fact : `${fact},`
    const line = lines.at(-1) ?? ''
    if (line === '') lines[lines.length - 1] = ending
    else if (LABEL_WIDTH + lengthOf(`${line} ${ending}`) <= width) lines[lines.length - 1] = `${line} ${ending}`
    else lines.push(ending)
  }
  return lines
    .map((line, index) => wrapText((index === 0 ? label : '').padEnd(LABEL_WIDTH) + line, width, LABEL_WIDTH))
    .join('\n')
}
