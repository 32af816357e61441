import { eraseNeeds } from './erase-person.js'
import { exportNeeds } from './export-person.js'
import type { ErasureNeeds } from './open-tables.js'
import { retainNeeds } from './retention.js'

/** What each of the commands needs. */
export const ERASURE_NEEDS = {
  retain: { what: 'delete messages', needs: retainNeeds },
  erase: { what: 'delete a person', needs: eraseNeeds },
  export: { what: 'read a person', needs: exportNeeds },
} as const satisfies Readonly<Record<string, ErasureNeeds>>
