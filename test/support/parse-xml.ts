/** An element, with the text that is directly in it. */
export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlElement[]
  readonly text: string
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const TOKEN = /<(\/)?([\w-]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/)?>|([^<]+)/gy

/** Parses a document of elements, attributes and the five predefined entities. @throws when it is not well-formed */
export const parseXml = (document: string): XmlElement => {
  if (/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(document))
    throw new Error('a forbidden character')
  const body = document.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '').trimEnd()
  const stack: { name: string; attributes: Record<string, string>; children: XmlElement[]; text: string }[] = [
    { name: '', attributes: {}, children: [], text: '' },
  ]
  let end = 0
  for (const [token, closing, name = '', attributes = '', empty, text] of body.matchAll(TOKEN)) {
    end += token.length
    const top = stack.at(-1)
    if (top === undefined) throw new Error('more is closed than was opened')
    if (text !== undefined) top.text += unescape(text)
    else if (closing === undefined) {
      const element = { name, attributes: parseAttributes(attributes), children: [], text: '' }
      top.children.push(element)
      if (empty === undefined) stack.push(element)
    } else if (top.name === name) stack.pop()
    else throw new Error(`</${name}> closes <${top.name}>`)
  }
  const [root] = stack
  const [element, ...others] = root?.children ?? []
  if (end !== body.length || stack.length !== 1 || element === undefined || others.length > 0)
    throw new Error(`not well-formed from character ${end}`)
  return element
}

const parseAttributes = (text: string): Record<string, string> =>
  Object.fromEntries(
    Array.from(text.matchAll(/([\w-]+)="([^"]*)"/g), ([, name = '', value = '']) => [name, unescape(value)]),
  )

const unescape = (text: string): string => {
  if (/&(?!(?:amp|lt|gt|quot|apos);)/.test(text)) throw new Error(`a bare & in ${text}`)
  return text.replace(/&(\w+);/g, (_whole, name: string) => ENTITIES[name] ?? '')
}
