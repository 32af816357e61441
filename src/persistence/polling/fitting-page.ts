/**
 * SQL for the first rows of a page, a query of messages, that have at most so many bytes of texts and images; one if the first has
 * more. `found` is the number of rows without this limit. octet_length needs no detoasting: an image that does not fit is
 * neither read nor sent.
 */
export const fittingSql = (page: string, order: string, maxBytes: number): string => `
  SELECT *
  FROM (
    SELECT page.*, count(*) OVER ()::integer AS "found",
      row_number() OVER inOrder AS "place",
      sum(coalesce(octet_length("text"), 0) + coalesce(octet_length("imageUrl"), 0)) OVER inOrder AS "bytes"
    FROM (${page}) AS page
    WINDOW inOrder AS (ORDER BY ${order} ROWS UNBOUNDED PRECEDING)
  ) AS measured
  WHERE "bytes" <= ${maxBytes} OR "place" = 1
  ORDER BY "place"`
