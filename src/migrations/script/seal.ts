import { dropArchiveTables, summarise } from '../archive/archive.js'
import { dollarQuoted } from './assemble.js'
import { recordInScript, type ScriptOrigin, type ScriptRun } from './record-run.js'

/**
 * The last statements on an archive: they record its size and checksum, or drop it if it has nothing, as `sealArchive` does.
 * They empty the search path of the transaction, so that no function of the application is called.
 */
export const sealInScript = (to: number, origin: ScriptOrigin): readonly string[] => {
  const { names } = origin
  const run: ScriptRun = {
    action: 'archive',
    inTransaction: true,
    detail: { to },
    moreDetail: 'to_jsonb(s)',
    source: `FROM (${summarise(names).trim()}) AS s`,
  }
  return [
    `SET LOCAL search_path TO ''`,
    `DO ${dollarQuoted(`
BEGIN
  IF EXISTS (SELECT FROM ${names.archive}) OR EXISTS (SELECT FROM ${names.archivedClients}) THEN
    ${recordInScript(run, origin)};
  ELSE
    ${dropArchiveTables(names)};
  END IF;
END
`)}`,
  ]
}
