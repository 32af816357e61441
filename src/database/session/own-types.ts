import pg, { type ClientBase, type QueryArrayConfig, type QueryConfig } from 'pg'

type Parse = (text: string) => unknown

const parsed = (text: string): unknown => JSON.parse(text)

const asText: Parse = (text) => text

// Its types declare a function, which it is not.
const arrayParser = pg.types.arrayParser as unknown as {
  create(text: string, parse: (element: string | null) => unknown): { parse(): unknown }
}

const listOf =
  (parse: Parse): Parse =>
  (text) =>
    arrayParser.create(text, (element) => (element === null ? null : parse(element))).parse()

/** What the store's statements return besides texts, by the type's oid. */
const PARSERS: ReadonlyMap<number, Parse> = new Map([
  [16, (text) => text === 't'],
  // int2, int4, oid, float4, float8
  ...[21, 23, 26, 700, 701].map((oid): [number, Parse] => [oid, Number]),
  // json, jsonb
  ...[114, 3802].map((oid): [number, Parse] => [oid, parsed]),
  // name[], text[], varchar[], int8[]
  ...[1003, 1009, 1015, 1016].map((oid): [number, Parse] => [oid, listOf(asText)]),
  // int2[], int4[], oid[]
  ...[1005, 1007, 1028].map((oid): [number, Parse] => [oid, listOf(Number)]),
  // timestamptz, of a session in UTC or not
  [1184, (text) => new Date(text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'))],
])

const OWN_TYPES = { getTypeParser: (oid: number): Parse => PARSERS.get(oid) ?? asText }

const clients = new WeakMap<ClientBase, ClientBase>()

/**
 * The client with type parsers of our own in each query: `pg.types.setTypeParser`, which is for the whole process, and the
 * `types` of a caller's pool do not change what the store returns. Always the same object for one client.
 */
export const withOwnTypes = <AnyClient extends ClientBase>(client: AnyClient): AnyClient => {
  const known = clients.get(client)
  if (known !== undefined) return known as AnyClient
  const typed = new Proxy(client, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (name !== 'query') return (...args: unknown[]): unknown => Reflect.apply(value, target, args)
      return (query: Query, values?: unknown[]): unknown =>
        inTextFormat(target, () => Reflect.apply(value, target, [typedQuery(query, values)]) as unknown)
    },
  })
  clients.set(client, typed)
  return typed
}

/**
 * Begins a query whose results come as text, which our parsers read: the `binary` of a caller's pool, or of `pg.defaults`, is a property
 * of the client that pg reads when it is given a query.
 */
const inTextFormat = <T>(given: object, begin: () => T): T => {
  // Its types hide it.
  const client = given as { binary?: boolean }
  const { binary } = client
  if (binary !== true) return begin()
  client.binary = false
  try {
    return begin()
  } finally {
    client.binary = binary
  }
}

/** A COPY is a query that knows how to submit itself, and returns no rows. */
type Query = string | QueryConfig | QueryArrayConfig | { readonly submit: unknown }

const typedQuery = (query: Query, values: unknown[] | undefined): object => {
  if (typeof query === 'string') return { text: query, values, types: OWN_TYPES }
  return 'submit' in query ? query : { ...query, types: OWN_TYPES }
}
