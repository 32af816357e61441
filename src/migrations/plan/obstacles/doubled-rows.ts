import type { Queryable } from '../../../database/connection.js'
import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { sql } from '../../../next-step.js'
import { isOurs } from '../../own/own-conflicts.js'
import { findOwnTable, type OwnState } from '../../own/own-state.js'
import type { OwnTable } from '../../own/own-table.js'
import { OWN_TABLES } from '../../own/own-tables.js'
import type { Obstacle } from '../obstacle.js'

/** The statement that removes the copies of rows of a table of chatkeep's own. */
export const withoutCopies = ({ names }: OwnState, { name, key }: Pick<OwnTable, 'name' | 'key'>): string => {
  const table = qualified(names.schema, name)
  const id = escapeIdentifier(key)
  const same = name === 'migrations' ? 'a."hash" = b."hash"' : 'a::text = b::text'
  return `DELETE FROM ${table} AS a USING ${table} AS b WHERE a.${id} = b.${id} AND ${same} AND a.ctid > b.ctid`
}

/** A table that lost its primary key, as by a restore that ran twice, cannot get it back while rows have the same key. */
export const readDoubledRows = async (client: Queryable, own: OwnState): Promise<readonly Obstacle[]> => {
  const obstacles: Obstacle[] = []
  for (const table of OWN_TABLES) {
    const found = findOwnTable(own, table.name)
    if (found?.key !== null || !found.readable || !isOurs(own, table.name)) continue
    const name = qualified(own.names.schema, table.name)
    const { rows } = await client.query(
      `SELECT FROM ${name} GROUP BY ${escapeIdentifier(table.key)} HAVING count(*) > 1 LIMIT 1`,
    )
    if (rows.length > 0)
      obstacles.push({
        code: 'own_rows_doubled',
        effect: 'refused',
        text: `${name} has more than one row with the same ${escapeIdentifier(table.key)}, so it cannot get its primary key back`,
        next: sql(withoutCopies(own, table)),
      })
  }
  return obstacles
}
