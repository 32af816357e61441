import { evaluate, iterator, parse, type DocumentNode, type MemberNode, type Node } from '@humanwhocodes/momoa'

/** Where something begins; both count from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

export interface PlacedMistake extends Place {
  readonly text: string
}

/** A JSON document that knows where its parts are. */
export interface LocatedJson {
  readonly value: unknown
  /** The place of the last key of the path that the document has. */
  placeOf(path: readonly PropertyKey[]): Place
  /** Keys that an object has twice: JSON takes the last one. */
  readonly repeated: readonly PlacedMistake[]
}

/** Reads JSON as RFC 8259 has it. @returns what is wrong with it, and where, if it is none */
export const parseLocatedJson = (source: string): LocatedJson | PlacedMistake => {
  const text = source.replace(/^\ufeff/, '')
  try {
    const document = parse(text, { mode: 'json' })
    return {
      value: evaluate(document),
      placeOf: (path) => placeIn(document, path),
      repeated: Array.from(iterator(document)).flatMap(({ node, phase }) =>
        phase === 'enter' ? repeatedIn(node) : [],
      ),
    }
  } catch (error) {
    return toMistake(error, text)
  }
}

const placeIn = ({ body }: DocumentNode, path: readonly PropertyKey[]): Place => {
  let [node, place]: [Node, Place] = [body, body.loc.start]
  for (const key of path) {
    // JSON takes the last of two equal keys.
    const member = membersOf(node).findLast((one) => nameOf(one) === key)
    if (member === undefined) break
    ;[node, place] = [member.value, member.loc.start]
  }
  return { line: place.line, column: place.column }
}

const membersOf = (node: Node): readonly MemberNode[] => (isObject(node) ? node.members : [])

const isObject = (node: Node): node is Node & { readonly members: readonly MemberNode[] } => node.type === 'Object'

const nameOf = ({ name }: MemberNode): string => (name.type === 'String' ? name.value : name.name)

const repeatedIn = (node: Node): readonly PlacedMistake[] => {
  const names = membersOf(node).map(nameOf)
  return membersOf(node)
    .filter((member, index) => names.indexOf(nameOf(member)) < index)
    .map((member) => ({
      line: member.loc.start.line,
      column: member.loc.start.column,
      text: `"${nameOf(member)}" occurs twice`,
    }))
}

const toMistake = (error: unknown, text: string): PlacedMistake => {
  if (error instanceof RangeError) return { line: 1, column: 1, text: 'too deeply nested' }
  if (!(error instanceof Error && 'line' in error && 'column' in error)) throw error
  const place = { line: Number(error.line), column: Number(error.column) }
  const found = text
    .split('\n')
    [place.line - 1]?.slice(place.column - 1)
    .trimEnd()
  return {
    ...place,
    text: found ? `no JSON: unexpected ${JSON.stringify(Array.from(found)[0])}` : 'no JSON: it ends too early',
  }
}
