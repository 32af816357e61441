/** The characters that JavaScript's `trim` removes, as the core does with a guest's name. */
export const WHITE_SPACE = [
  String.raw`E'\t\n\u000b\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a`,
  String.raw`\u2028\u2029\u202f\u205f\u3000\ufeff'`,
].join('')

/** What `toUsername` makes of a text, as SQL. It fails in a database that is not in UTF8. */
export const usernameSql = (text: string): string => `pg_catalog.btrim(normalize((${text})::text), ${WHITE_SPACE})`
