import { COLUMN_SEQUENCES } from '../../persistence/ids/column-sequences.js'
import type { Metric } from '../metric.js'
import { chatTables } from './tables.js'

export const sequenceUsed: Metric = {
  name: 'sequence_used_ratio',
  title: 'ids used',
  help: "Share of a sequence's values that is used, up to its own limit or that of its column's type: an int4 id ends at 2,147,483,647.",
  unit: 'ratio',
  window: 'all time',
  labels: ['table', 'column'],
  reads: 'pg_sequence',
  select: (names) => `
    SELECT t.relname::text AS "table", a.attname::text AS "column", max(
        CASE WHEN has_sequence_privilege(q.seqrelid, 'SELECT, USAGE') THEN
          (coalesce(pg_sequence_last_value(q.seqrelid), 0)::float8 - least(q.seqmin, 1) + 1)
            / (least(q.seqmax, CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE q.seqmax END)::float8
              - least(q.seqmin, 1) + 1)
        END
      ) AS "value"
    FROM ${chatTables(names)} AS t
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    CROSS JOIN LATERAL (${COLUMN_SEQUENCES}
    ) AS used
    JOIN pg_catalog.pg_sequence AS q ON q.seqrelid = used."oid"
    GROUP BY 1, 2
    ORDER BY 1, 2`,
}
