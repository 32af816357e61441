import type { ConnectionTarget } from '../database/connection-target.js'
import { onlyRow } from '../database/rows.js'
import { ExitCode, OperatorError } from '../errors.js'
import { chatkeep, describeSteps } from '../next-step.js'
import { checkRollback, needsRollback } from './check-rollback.js'
import { readReferences } from './guests/references.js'
import type { RollbackRange } from './ledger/rollback-range.js'
import type { OwnClient } from './own/own-client.js'
import { ownStatements } from './own/own-statements.js'
import { inOneTransaction, type ScriptForm } from './plan/draft-steps.js'
import type { PriceTag } from './plan/price-tag.js'
import { describeRollback, draftScripts } from './plan/rollback-plan.js'
import type { RollbackOptions } from './prepare-rollback.js'
import { refusalOf, withMigrationPreview, withRefusal, type Checked } from './preview.js'
import { rollbackFlags } from './render-rollback.js'
import { renderRollbackScript } from './script/rollback-script.js'
import { readScriptHome } from './script/self-check.js'
import type { Undone } from './script/undone.js'

export interface RollbackSql extends Checked {
  readonly sql: string
  readonly planHash: string
  readonly price: PriceTag
}

/** Renders the plan of a rollback as one SQL script for psql or a web SQL editor. Changes nothing. */
export const scriptRollback = (
  target: ConnectionTarget,
  form: ScriptForm,
  options: RollbackOptions,
): Promise<RollbackSql> =>
  withMigrationPreview(target, 'rollback', { ...options, dryRun: false, script: true }, async (client) => {
    const checked = await checkRollback(client, options)
    const { state, range, scripts, archive, planHash, price, unsealed } = checked
    const isNeeded = needsRollback({ files: range.files, unsealed })
    const refusal = checked.refusal ?? (await refusalOf(() => refuseEncoding(client, range)))
    const { schema, to, onOrphans } = options
    const question = { ...options, state, scripts, price, range, archive, known: [] }
    const { estimatedMs } = await withRefusal(refusal, () => describeRollback(client, question))
    const own = isNeeded ? ownStatements(state.own) : []
    const drafts = await draftScripts(scripts, { ...range, captureEnds: undefined }, state.own, options.signal)
    const undone = await Promise.all(
      drafts.map(async (draft, index): Promise<readonly Undone[]> => {
        const file = range.files[index]
        if (file === undefined) return []
        return [{ file, draft, joined: { ...draft, statements: await inOneTransaction(draft.statements) } }]
      }),
    )
    const sql = renderRollbackScript({
      form,
      madeBy: ['rollback', ...rollbackFlags({ to, onOrphans }), '--sql'].join(' '),
      commandFor: (command) => describeSteps(chatkeep(command), target.naming),
      database: target.database,
      schema,
      planHash,
      choice: { to, onOrphans },
      isNeeded,
      archives: range.captureEnds !== undefined,
      price,
      estimatedMs,
      names: client.own,
      range,
      onOrphans,
      references: await readReferences(client, client.own.message),
      home: await readScriptHome(client, state.history.state === 'present'),
      undone: undone.flat(),
      own,
      archiveTables: ownStatements(state.own, true).filter((statement) => !own.includes(statement)),
      leftovers: archive,
    })
    return { sql, planHash, price, refusal }
  })

// The script trims and composes guests' names with the server's normalize().
const refuseEncoding = async (client: OwnClient, { needsClients }: RollbackRange): Promise<void> => {
  if (!needsClients) return
  const { encoding } = onlyRow(
    await client.query<{ encoding: string }>(`SELECT current_setting('server_encoding') AS "encoding"`),
  )
  if (encoding === 'UTF8') return
  throw new OperatorError(
    'encoding_not_utf8',
    `a script cannot link guests to clients in a database whose encoding is ${encoding}: it needs UTF8; nothing was changed`,
    { exitCode: ExitCode.refused, hint: chatkeep('rollback', 'run the rollback itself') },
  )
}
