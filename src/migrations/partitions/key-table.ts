import { qualified } from '../../database/identifier.js'
import { onlyRow } from '../../database/rows.js'
import type { OwnNames } from '../../persistence/own-names.js'
import { NOTED_KEY, notedKeySql } from '../../persistence/keys/noted-key.js'
import type { OwnClient } from '../own/own-client.js'
import { createOwnTable } from '../own/own-statements.js'
import { findOwnTable, type OwnState } from '../own/own-state.js'
import { messageKeys } from '../own/own-tables.js'
import type { Unit } from './index-units.js'

/** Whether the table of keys is there. */
export const hasKeyTable = (own: OwnState): boolean => findOwnTable(own, messageKeys.name) !== undefined

/**
 * The statements that create the table of keys with the keys of all messages, in one transaction: as long as it is missing
 * nobody saves, so that no key is taken twice. None when it is there.
 */
export const keyTableUnits = (own: OwnState): readonly Unit[] =>
  hasKeyTable(own) ? [] : [[...createOwnTable(messageKeys, own), fillKeys(own.names)]]

/** The statement that takes the keys of all messages. */
export const fillKeys = ({ message, messageKeys: keys }: OwnNames): string =>
  `INSERT INTO ${keys} (${NOTED_KEY})
SELECT ${notedKeySql('m')} FROM ${message} AS m WHERE m."idempotencyKey" IS NOT NULL`

/** Whether the table of keys is there, asked in the middle of a run. */
export const readHasKeyTable = async (client: OwnClient): Promise<boolean> =>
  onlyRow(
    await client.query<{ present: boolean }>('SELECT to_regclass($1) IS NOT NULL AS "present"', [
      client.own.messageKeys,
    ]),
  ).present

/** SQL that keeps the keys of messages that a common table expression returns with `notedKeySql`, as one more of these. */
export const keepReturnedKeys = ({ messageKeys: keys }: OwnNames, returned: string): string => `, kept AS (
    INSERT INTO ${keys} (${NOTED_KEY})
    SELECT ${NOTED_KEY} FROM ${returned} WHERE "idempotencyKey" IS NOT NULL
    ON CONFLICT DO NOTHING
  )`

/** The statement that drops it. */
export const dropKeyTable = ({ schema }: OwnNames): string =>
  `DROP TABLE IF EXISTS ${qualified(schema, messageKeys.name)}`
