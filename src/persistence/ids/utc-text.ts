/** An instant as the tables hold it: a text, on which neither the driver nor the session's time zone has an influence. */
export const utcText = (instant: Date): string => {
  const [, year = '', rest = ''] = /^(.\d+)-(.*)$/.exec(instant.toISOString().replace('T', ' ').replace('Z', '')) ?? []
  const number = Number(year)
  // The server counts years from 4713 BC, and has no year 0.
  if (number < -4_711) return '-infinity'
  return number > 0 ? `${String(number).padStart(4, '0')}-${rest}` : `${String(1 - number).padStart(4, '0')}-${rest} BC`
}
