const RADIX = 36

export const formatInteger = (value: bigint): string => value.toString(RADIX)

/** @throws SyntaxError */
export const parseInteger = (text: string): bigint => {
  const [, sign, digits] = /^(-?)([0-9a-z]+)$/.exec(text) ?? []
  if (digits === undefined) throw new SyntaxError(`${text} is no number`)
  const value = Array.from(digits).reduce((sum, digit) => sum * BigInt(RADIX) + BigInt(parseInt(digit, RADIX)), 0n)
  return sign === '-' ? -value : value
}

/** The parts of a list that was joined with `_`. */
export const splitList = (text: string): readonly string[] => (text === '' ? [] : text.split('_'))

/** Virtual transaction ids, such as 5/1234. */
export const formatOpen = (open: readonly string[]): string =>
  open
    .map((id) =>
      id
        .split('/')
        .map((part) => formatInteger(BigInt(part)))
        .join('.'),
    )
    .join('_')

/** @throws SyntaxError */
export const parseOpen = (text: string): readonly string[] =>
  splitList(text).map((id) => id.split('.').map(parseInteger).join('/'))
