import { quoted } from '../../check-options.js'
import { InvalidCall } from '../../invalid-call.js'

/** An origin that pages may come from, in the form in which browsers send it, or why it is none. */
export type WebOrigin =
  { readonly origin: string; readonly reason?: never } | { readonly origin?: never; readonly reason: string }

const NO_SCHEME = 'Write an origin with its scheme, such as https://shop.example, or * for all.'
const MORE_THAN_ORIGIN = 'Write the origin alone, without path, query or user: https://shop.example.'
const WEBSOCKET = 'Write https:// or http://: that is the origin of a page, also when it opens a WebSocket.'
const STAR = 'A * stands for all subdomains, as in https://*.shop.example, or alone for all origins.'
const TOO_WIDE = 'Write at least two names after the *, as in https://*.shop.example; this would be open to strangers.'

/**
 * Reads an origin: `https://shop.example`, `https://*.shop.example` for its subdomains, the `capacitor://localhost` of an app,
 * `file://`, `null` (of pages in a sandbox or a file), `*` for all. Case, a slash at the end, the usual port and the letters
 * of a name may be written as people write them: what browsers send is compared with the normal form.
 */
export const parseWebOrigin = (text: string): WebOrigin => {
  if (text === '*' || text.toLowerCase() === 'null') return { origin: text.toLowerCase() }
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(text) ?? []
  if (scheme === '') return { reason: NO_SCHEME }
  if (/^wss?$/i.test(scheme)) return { reason: WEBSOCKET }
  const host = rest.replace(/\/$/, '')
  if (/[/?#@\\]/.test(host)) return { reason: MORE_THAN_ORIGIN }
  return /^https?$/i.test(scheme) ? siteOrigin(scheme, host) : appOrigin(scheme.toLowerCase(), host)
}

/** The label that stands for the star while a name is read. */
const ANY = 'chatkeep-any'

const siteOrigin = (scheme: string, host: string): WebOrigin => {
  const domain = host.replace(/^\*\./, '')
  if (domain.includes('*')) return { reason: STAR }
  const isWildcard = domain !== host
  const url = `${scheme}://${isWildcard ? `${ANY}.` : ''}${domain}`
  if (domain === '' || !URL.canParse(url))
    return { reason: `${domain || 'Nothing'} is not the name of a host. ${NO_SCHEME}` }
  const { origin, hostname } = new URL(url)
  if (!isWildcard) return { origin }
  if (hostname.split('.').filter((label) => label !== '').length < 3 && !hostname.endsWith('.localhost'))
    return { reason: TOO_WIDE }
  return { origin: origin.replace(ANY, '*') }
}

// Such as capacitor, ionic, tauri, chrome-extension and moz-extension, where the id of the extension is the host.
const appOrigin = (scheme: string, host: string): WebOrigin => {
  if (host.includes('*')) return { reason: STAR }
  const isWritten = scheme === 'file' ? host === '' : /^[\x21-\x7e]+$/.test(host)
  return isWritten ? { origin: `${scheme}://${host.toLowerCase()}` } : { reason: MORE_THAN_ORIGIN }
}

/**
 * Whether a page of an origin may connect.
 * @throws InvalidCall `invalid_option` for what is not an origin
 */
export const createWebOrigins = (texts: readonly string[]): ((origin: string) => boolean) => {
  const origins = texts.map((text) => {
    const { origin, reason } = parseWebOrigin(text)
    if (reason !== undefined) throw new InvalidCall('invalid_option', `corsOrigin is ${quoted(text)}`, { hint: reason })
    return origin
  })
  const exact = new Set(origins)
  const patterns = origins.filter((origin) => origin.includes('://*.')).map(toPattern)
  return (origin) => {
    const sent = origin.toLowerCase()
    return exact.has('*') || exact.has(sent) || patterns.some((pattern) => pattern.test(sent))
  }
}

// Whole labels, one or more: neither the domain itself nor a name that only ends like it.
const toPattern = (origin: string): RegExp => {
  const [before = '', after = ''] = origin.split('*.').map((part) => part.replaceAll(/[.[\]]/g, String.raw`\$&`))
  return new RegExp(String.raw`^${before}([a-z0-9_-]+\.)+${after}$`)
}
