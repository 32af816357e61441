/**
 * SQL: whether message `m` is the one that an archived row is of. Its id alone does not say so: a sequence that was set back, or a
 * table that was emptied and filled again, gives ids to other messages.
 */
export const isArchived = (archived: string): string =>
  `m."id" = ${archived}."messageId" AND m."createdAt" IS NOT DISTINCT FROM ${archived}."createdAt"`
