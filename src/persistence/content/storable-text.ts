/** PostgreSQL cannot store NUL and lone surrogates: both become U+FFFD. Everything else stays unchanged. */
export const toStorableText = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed()
