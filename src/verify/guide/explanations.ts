import type { Explanations } from '../explanation.js'

/** The codes of `chatkeep verify GUIDE.md`. */
export const GUIDE_EXPLANATIONS = {
  guide_output_differs: {
    title: 'a query of the guide returns something else than the guide expects',
    severities: ['error'],
    meaning: `A row, a name of a column or the number of rows is not as in the expected output that follows the query. White
    space that aligns does not count, and the order of rows only where the query has an ORDER BY.`,
    cause: 'The database is not in the state that the guide describes, or the guide is out of date.',
    remedy: `Look at the row in question: chatkeep verify says whether the update is complete. If the database is right,
    correct the guide.`,
  },
  guide_output_unreadable: {
    title: 'an expected output of the guide is no table',
    severities: ['error'],
    meaning: 'The guide announces an expected output, but the fence is not what psql prints for these queries.',
    cause: `A line in it that is no row, a row with another number of cells than the head, a count of rows that does not fit,
    or another number of tables than of queries.`,
    remedy: `Copy the output of psql, in its aligned format, into the fence. Words for people belong before it or after it. An
    output that is only an example is not compared without the words "expected output" before it.`,
  },
  guide_query_failed: {
    title: 'a query of the guide fails',
    severities: ['error'],
    meaning:
      'The server, or the parser before it, rejected the query. The guide does not work as it is on this database.',
    cause: `A table, column or function that is missing, or a mistake in the query. Names without a schema are looked for in
    --schema.`,
    remedy: 'Correct the query at the place that is shown, or bring the database to the state that the guide needs.',
  },
  guide_query_refused: {
    title: 'the server did not run a query of the guide',
    severities: ['error'],
    meaning: `The result is unknown: the query reached a time limit, was cancelled, or the role lacks a privilege. All other
    fences were compared. The exit code is 3, or 4 for a lock, unless another finding makes it 1.`,
    cause: 'A busy server, a query without an index, or a role that may not read a table.',
    remedy: 'Run it again, with a longer --statement-timeout, or as a role that may read what the guide reads.',
  },
} as const satisfies Explanations
