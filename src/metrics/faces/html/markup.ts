import { printable } from '../../../terminal/printable.js'

/** Text that is HTML; everything else is escaped. */
export interface Markup {
  readonly html: string
}

type Part = string | number | Markup | readonly Markup[]

/** HTML in which every text that is put into it is escaped, whatever it holds: it adds no element and no attribute. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Markup => ({
  html: strings.map((text, index) => text + toHtml(parts[index] ?? '')).join(''),
})

/** Text that is HTML already, such as a script of our own. */
export const markup = (text: string): Markup => ({ html: text })

/** Data for a script, as the content of a `<script type="application/json">`. */
export const jsonMarkup = (data: unknown): Markup => markup(JSON.stringify(data).replaceAll('<', String.raw`\u003c`))

const toHtml = (part: Part): string => {
  if (typeof part === 'number') return String(part)
  if (typeof part === 'string') return escape(part)
  return 'html' in part ? part.html : part.map((one) => one.html).join('')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escape = (text: string): string => printable(text).replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign)
