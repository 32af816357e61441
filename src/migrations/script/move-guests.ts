import { escapeLiteral } from 'pg'
import type { OwnNames } from '../../persistence/own-names.js'
import { usernameSql } from '../../persistence/sql-names.js'
import { countMissing, insertBatch, refreshBatch } from '../archive/fill.js'
import { insertClient, selectClient } from '../guests/guest-client.js'
import {
  keepCreatedClient,
  linkMessages,
  REFUSED_ROW,
  removeAllOrphans,
  selectUnlinkedGuests,
} from '../guests/link-guests.js'
import type { OnOrphans } from '../guests/orphans.js'
import { referencingRows, type Reference } from '../guests/references.js'
import type { RollbackRange } from '../ledger/rollback-range.js'
import { dollarQuoted } from './assemble.js'

/** What is moved, and what others keep of it. */
export interface GuestMove {
  readonly names: OwnNames
  readonly range: RollbackRange
  readonly onOrphans: OnOrphans
  /** Foreign keys that reference messages. */
  readonly references: readonly Reference[]
}

/** The statements that archive and link all messages. The caller's transaction has locked the tables of messages and clients. */
export const moveGuests = ({ names, range, onOrphans, references }: GuestMove): readonly string[] => [
  '-- archive',
  insertBatch(names, range, 'true').trim(),
  refreshBatch(names, range, 'true').trim(),
  ...(range.needsClients
    ? [
        '-- link guests to clients',
        linkEveryGuest(names),
        ...(onOrphans === 'abort'
          ? [refuse(countOrphans(names), 'messages have neither a client nor a usable guest name')]
          : [
              '-- move out messages without client or guest name',
              ...(references.length === 0
                ? []
                : [
                    refuse(
                      `${countOrphans(names)} AND (${references.map((reference) => `EXISTS (${referencingRows(reference, 'm')})`).join(' OR ')})`,
                      'messages would leave the table, but rows of other tables reference them',
                    ),
                  ]),
              removeAllOrphans(names).trim(),
            ]),
      ]
    : []),
  // Waiting checks of a deferred foreign key would keep the table from being altered.
  'SET CONSTRAINTS ALL IMMEDIATE',
  '-- compare',
  refuse(countMissing(names, range).trim(), 'messages are missing from the archive'),
]

const countOrphans = ({ message }: OwnNames): string =>
  `SELECT count(*) FROM ${message} AS m WHERE m."clientId" IS NULL`

/** Ends the transaction when the query does not count 0. */
const refuse = (query: string, what: string): string =>
  `DO ${dollarQuoted(`
DECLARE
  found bigint := (${query});
BEGIN
  IF found > 0 THEN
    RAISE EXCEPTION 'chatkeep: no message was changed: % %', found, ${escapeLiteral(what)};
  END IF;
END
`)}`

// As `linkGuests` does, with a subtransaction for each guest: the application's rules can reject a client. Its variables are
// qualified, so that no column of the application has their name.
const linkEveryGuest = (names: OwnNames): string =>
  `DO ${dollarQuoted(`
<<chatkeep_link>>
DECLARE
  written text;
  wanted text;
  client_id bigint;
BEGIN
  FOR written, wanted IN
    SELECT g."username", ${usernameSql('g."username"')} FROM (${selectUnlinkedGuests(names).trim()}) AS g ORDER BY 1
  LOOP
    CONTINUE WHEN chatkeep_link.wanted = '';
    BEGIN
      ${selectClient(names, 'chatkeep_link.wanted')} INTO client_id;
      IF client_id IS NULL THEN
        ${insertClient(names, 'chatkeep_link.wanted').trim()} INTO client_id;
        CONTINUE WHEN client_id IS NULL;
        ${keepCreatedClient(names, 'chatkeep_link.client_id').trim()};
      END IF;
      ${linkMessages(names, 'chatkeep_link.client_id', 'chatkeep_link.written').trim()};
    EXCEPTION WHEN OTHERS THEN
      IF SQLSTATE !~ '${REFUSED_ROW}' THEN
        RAISE;
      END IF;
    END;
  END LOOP;
END
`)}`
