import type { Face } from './face.js'

export const jsonFace: Face = {
  name: 'json',
  summary: 'one document, also on failure; --json means it',
  show: async (shown) => {
    const { toDocument } = await import('./json-document.js')
    return { data: toDocument(shown) }
  },
}
