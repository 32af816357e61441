/** What stands in texts of chatkeep itself, each with what a terminal without Unicode shows instead. */
const ASCII_FORMS: Readonly<Record<string, string>> = { '…': '...', '–': '-', '—': '-', '’': "'", '×': 'x', '→': '->' }

const TYPOGRAPHIC = new RegExp(`[${Object.keys(ASCII_FORMS).join('')}]`, 'g')

/**
 * Whether people see more than ASCII: not where `LC_ALL`, `LC_CTYPE` or `LANG` names another encoding than UTF-8, nor on the
 * console of Linux, whose fonts lack most characters. Where none of them is set, as in most containers, it is UTF-8.
 */
export const hasUnicode = ({
  LC_ALL = '',
  LC_CTYPE = '',
  LANG = '',
  TERM,
}: Readonly<Record<string, string | undefined>>): boolean => {
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== '')
  return TERM !== 'linux' && (locale === undefined || /utf-?8/i.test(locale))
}

/** A text in ASCII, but for names and data, which stay as they are. */
export const toAscii = (text: string): string => text.replace(TYPOGRAPHIC, (sign) => ASCII_FORMS[sign] ?? sign)
