import { charactersIn, consequenceOf, moveToUtf8 } from '../../../database/encoding/encoding.js'
import type { ServerCheck } from '../../check.js'
import { finding } from '../../finding.js'

/** Can the database hold every character that people type? */
export const encoding: ServerCheck<'encoding_not_utf8'> = {
  name: 'encoding',
  expectations: ['migrated'],
  needs: {},
  findings: ({ database, server: { encoding: found } }) =>
    charactersIn(found) === 'kept'
      ? []
      : [
          finding(charactersIn(found) === 'unchecked' ? 'warning' : 'error', 'encoding_not_utf8', {
            object: `database ${database}`,
            expected: 'encoded in UTF8',
            actual: `${found}: ${consequenceOf(found)}`,
            help: moveToUtf8({ database }),
          }),
        ],
  explanations: {
    encoding_not_utf8: {
      title: 'the database is not encoded in UTF8',
      severities: ['error', 'warning'],
      meaning: `A database in LATIN1, WIN1252, EUC_JP and the like lacks most characters that people type. A message whose
        text, guest name or other field has one (an emoji, in LATIN1 the euro sign) is refused as character_not_storable,
        and nothing is stored in its place; its neighbours are kept. chatkeep serve does not start. SQL_ASCII (warning)
        keeps every byte and checks none: chatkeep writes UTF-8, but a row that another program wrote in another
        encoding ends every read of it with SQLSTATE 22021.`,
      cause: `The server was initialised under a locale such as C or en_US.ISO-8859-1, and CREATE DATABASE takes the
        encoding of its template.`,
      remedy: `The encoding of a database cannot be changed. Stop its writers, create a database in UTF8 from template0
        (with a locale that fits UTF8: createdb --locale, if the server asks for it), copy everything with pg_dump,
        which converts the text, and name the new database to the application and to chatkeep. Tell pg_dump which
        encoding the rows of an SQL_ASCII database really have (--encoding); rows in another one have to be corrected
        first.`,
    },
  },
}
