/** An instant as the tables hold it: a text, on which neither the driver nor the session's time zone has an influence. */
export const utcText = (instant: Date): string => instant.toISOString().replace('T', ' ').replace('Z', '')
