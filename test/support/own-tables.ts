import { OWN_TABLES } from '../../src/migrations/own/own-tables.js'
import { ownNamesFor } from '../../src/persistence/own-names.js'

/** Creates the empty archive of a rollback, in the schema `chatkeep`. */
export const CREATE_ARCHIVE = OWN_TABLES.filter(({ temporary }) => temporary)
  .flatMap(({ create }) => create(ownNamesFor('public')))
  .join(';')
