import { createHash } from 'node:crypto'
import { escapeIdentifier, qualified } from '../../database/identifier.js'
import type { RequiredIndex } from '../../persistence/shape.js'
import type { Partition, PartitionIndex, Partitions } from './partitions.js'

/** Statements that run in one transaction, or one that cannot run in any. */
export type Unit = readonly string[]

/** Whether it is a statement that cannot run in a transaction. */
export const isConcurrent = ([first = '']: Unit): boolean => /^(?:CREATE|DROP|REINDEX) INDEX CONCURRENTLY /.test(first)

/** An index to be built, and how its file builds it. */
export interface WantedIndex extends Pick<RequiredIndex, 'name' | 'definition'> {
  /** What follows the name of the table in the migration file. */
  readonly body: string
}

const FILE = /^CREATE (?:UNIQUE )?INDEX CONCURRENTLY "[^"]+" ON "ChatMessage" (.+);$/m

/** What follows the name of the table in a file that builds an index of messages CONCURRENTLY; undefined for any other file. */
export const indexBody = (sql: string): string | undefined => FILE.exec(sql)?.[1]

/**
 * The statements that build an index of a partitioned table without blocking writers: an INVALID one on the table alone, one
 * for each partition, CONCURRENTLY, and ATTACH, with the last of which it becomes valid. They continue what an earlier run
 * left, and take an index of the same definition that is there. None when it is valid.
 */
export const indexUnits = (partitions: Partitions, wanted: WantedIndex): readonly Unit[] => {
  const [root] = partitions.tables
  if (root === undefined) return []
  const found = indexesOf(root, partitions).find(({ name }) => name === wanted.name)
  const name = escapeIdentifier(wanted.name)
  // Without a schema, as in the file: that of the application is in the search path.
  return tableUnits(
    { partitions, wanted },
    { table: root, target: escapeIdentifier(root.name), found, name, full: name },
  )
}

interface Build {
  readonly partitions: Partitions
  readonly wanted: WantedIndex
}

/** The index of one table, which may be there. Names are quoted for SQL. */
interface IndexOf {
  readonly table: Partition
  readonly target: string
  readonly found: PartitionIndex | undefined
  readonly name: string
  /** With its schema. */
  readonly full: string
}

const tableUnits = (build: Build, index: IndexOf): readonly Unit[] => {
  const { table, target, found, name } = index
  if (found?.valid === true) return []
  if (table.kind !== 'p') return leafUnits(build, index)
  const { wanted, partitions } = build
  const children = partitions.tables.filter(({ parent }) => parent === table.id)
  const units = children.flatMap((child) => childUnits(build, child, index))
  if (found === undefined) return [[`CREATE INDEX ${name} ON ONLY ${target} ${wanted.body}`], ...units]
  return units.length > 0 ? units : againUnits(build, children, index)
}

// An attached index cannot be dropped.
const leafUnits = ({ wanted }: Build, { target, found, name, full }: IndexOf): readonly Unit[] => {
  if (found !== undefined && found.parent !== null) return [[`REINDEX INDEX CONCURRENTLY ${full}`]]
  return [
    ...(found === undefined ? [] : [[`DROP INDEX CONCURRENTLY ${full}`]]),
    [`CREATE INDEX CONCURRENTLY ${name} ON ${target} ${wanted.body}`],
  ]
}

const childUnits = (build: Build, table: Partition, parent: IndexOf): readonly Unit[] => {
  const found = usableIndex(build, table, parent.found)
  const plain = found?.name ?? freeName(build, table)
  const [name, full] = [escapeIdentifier(plain), qualified(table.schema, plain)]
  return [
    ...tableUnits(build, { table, target: qualified(table.schema, table.name), found, name, full }),
    ...(found !== undefined && found.parent !== null ? [] : [attach(parent, full)]),
  ]
}

const attach = ({ full }: IndexOf, child: string): Unit => [`ALTER INDEX ${full} ATTACH PARTITION ${child}`]

// The index stays INVALID where the last partition without one was dropped: to attach one again makes the server look.
const againUnits = (build: Build, children: readonly Partition[], index: IndexOf): readonly Unit[] =>
  children.slice(0, 1).flatMap((child) => {
    const attached = usableIndex(build, child, index.found)
    return attached === undefined ? [] : [attach(index, qualified(child.schema, attached.name))]
  })

const indexesOf = ({ id }: Partition, { indexes }: Partitions): readonly PartitionIndex[] =>
  indexes.filter(({ table }) => table === id)

/** The index of a partition that is attached, or can be: best an attached one, then a valid one. */
const usableIndex = (
  { partitions, wanted }: Build,
  table: Partition,
  parent: PartitionIndex | undefined,
): PartitionIndex | undefined => {
  const same = indexesOf(table, partitions).filter(
    ({ unique, definition, ...index }) =>
      !unique && definition === wanted.definition && (index.parent === null || index.parent === parent?.id),
  )
  return same.find((index) => index.parent !== null) ?? same.find(({ valid }) => valid) ?? same[0]
}

/** The longest name that PostgreSQL keeps, in bytes. */
const NAME_LIMIT = 63

// Names of partitions are long, and those of indexes, too.
const freeName = ({ partitions: { indexes }, wanted }: Build, { name }: Partition): string => {
  const suffix = wanted.name.replace(/^ChatMessage_/, '')
  const plain = `${name}_${suffix}`
  const isTaken = indexes.some((index) => index.name === plain)
  if (!isTaken && Buffer.byteLength(plain) <= NAME_LIMIT) return plain
  const hash = createHash('sha256').update(plain).digest('hex').slice(0, 8)
  let start = name
  while (Buffer.byteLength(`${start}_${hash}_idx`) > NAME_LIMIT) start = start.slice(0, -1)
  return `${start}_${hash}_idx`
}
