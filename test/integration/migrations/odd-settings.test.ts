import { checksum, on } from '../../support/chat.js'
import { describe, expect, test } from '../../support/database.js'
import { catalogOf } from '../../support/database-state.js'
import { findingsOf, verify } from '../../support/findings.js'
import { loadFixture } from '../../support/fixtures.js'

/** Settings that some databases have, and that change what the server writes, finds or waits for. */
const SETTINGS: readonly string[] = [
  `datestyle = 'German, DMY'`,
  `intervalstyle = 'sql_standard'`,
  `timezone = 'Asia/Tokyo'`,
  'extra_float_digits = 0',
  `bytea_output = 'escape'`,
  'quote_all_identifiers = on',
  'standard_conforming_strings = off',
  `search_path = 'nowhere'`,
  `statement_timeout = '90s'`,
  `lock_timeout = '1ms'`,
  `idle_in_transaction_session_timeout = '90s'`,
  `idle_session_timeout = '90s'`,
]

describe('a database with settings of its own', () => {
  test('is migrated, verified, measured and rolled back like any other', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    for (const setting of SETTINGS) await database.query(`ALTER DATABASE "${database.name}" SET ${setting}`)
    const before = await catalogOf(database)
    const data = (): Promise<unknown> => checksum(database, 'ChatMessage')
    const rows = await data()
    for (const argv of [['migrate', '--dry-run'], ['migrate'], ['metrics'], ['reconcile'], ['migrate', '--history']]) {
      const { exitCode, stdout, stderr } = await on(database, ...argv)
      expect(exitCode, `${argv.join(' ')}: ${stdout}${stderr}`).toBe(0)
    }
    expect(findingsOf(await verify(database))).toEqual([])
    expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
    expect(findingsOf(await verify(database, '--expect', 'rolled-back'))).toEqual([])
    const ofApplication = ({ kind }: Record<string, unknown>): boolean => !String(kind).startsWith('own ')
    expect((await catalogOf(database)).filter(ofApplication)).toEqual(before)
    expect(await data()).toEqual(rows)
  })
})
