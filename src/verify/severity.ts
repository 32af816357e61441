/** `error`: the database is not as expected. `warning`: it works, but somebody should look. `note`: worth knowing, nothing is wrong. */
export type Severity = 'error' | 'warning' | 'note'
