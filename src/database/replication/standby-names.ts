/** Which standbys a commit waits for, as `synchronous_standby_names` says it. */
export interface AwaitedStandbys {
  /** How many of them every commit waits for. */
  readonly needed: number
  /** In lower case, as the server compares them; `*` stands for any. */
  readonly names: readonly string[]
}

const TOKEN = /"((?:[^"]|"")*)"|[^\s"(),]+|\(/g

/** Reads a value of `synchronous_standby_names`, which the server has accepted; undefined when it names nobody. */
export const parseStandbyNames = (setting: string): AwaitedStandbys | undefined => {
  const tokens = [...setting.matchAll(TOKEN)].map(([token, quoted]) => ({
    text: (quoted?.replaceAll('""', '"') ?? token).toLowerCase(),
    opens: token === '(',
  }))
  const opening = tokens.findIndex(({ opens }) => opens)
  const names = [...new Set(tokens.slice(opening + 1).map(({ text }) => text))]
  if (names.length === 0) return undefined
  // Without a list in parentheses, the first of the names that is attached is waited for.
  return { names, needed: opening === -1 ? 1 : Number(tokens[opening - 1]?.text) }
}
