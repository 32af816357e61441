import { timingSafeEqual } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { ChatLog } from '../../chat-log.js'
import { OperatorError } from '../../errors.js'
import { fileFailure } from '../../file-reason.js'
import { readSecretFile } from '../../private-file.js'
import type { NamedOperator } from '../named-operator.js'
import { parseOperatorFile, unusableOperators, type OperatorFile } from './operator-file.js'
import { readOperatorToken } from './operator-token.js'

/** The operators of a file, which is read again when it changes. */
export interface OperatorList {
  readonly size: number
  all(): readonly NamedOperator[]
  /** The file's key of positions, else one of the tokens' hashes: nobody chose it, and nobody else can read it. Undefined in an empty file. */
  readonly secret: string | undefined
  /** @returns undefined for a token that is not in the file */
  find(token: unknown): NamedOperator | undefined
  /** Whether the operator stands in the file as it did at the join. */
  has(operator: NamedOperator): boolean
  /** Looks at the file every two seconds. @returns a function that ends it */
  watch(onChange: () => void): () => void
}

/** Watching by events misses changes on network file systems and where the file is replaced. */
const LOOK_EVERY_MS = 2_000

/** @throws OperatorError `unusable_operators` or `file_not_private` */
export const openOperatorList = async (file: string, log: ChatLog): Promise<OperatorList> => {
  let loaded = await stampOf(file)
  let seen = loaded
  const first = await load(file)
  let operators = byKeyId(first)

  // A version counts once it has stayed the same for a while: an editor may have emptied the file to write it anew.
  const look = async (onChange: () => void): Promise<void> => {
    const stamp = await stampOf(file)
    if (stamp === loaded) return
    if (stamp !== seen) {
      seen = stamp
      return
    }
    loaded = stamp
    try {
      operators = byKeyId(await load(file))
    } catch (error) {
      const reason = error instanceof OperatorError ? error.message : 'it cannot be read'
      log.error({ event: 'operators_not_read', reason }, 'the file of operators is not usable: those of before remain')
      return
    }
    log.info({ event: 'operators_read', operators: operators.size }, 'the file of operators has changed')
    onChange()
  }

  return {
    get size() {
      return operators.size
    },
    all: () => [...operators.values()],
    secret: first.positionKey ?? secretOf(first.operators),
    find: (token) => {
      const presented = typeof token === 'string' ? readOperatorToken(token) : undefined
      if (presented === undefined) return undefined
      const operator = operators.get(presented.keyId)
      return operator !== undefined && isSame(operator.hash, presented.hash) ? operator : undefined
    },
    has: ({ keyId, hash, operatorId, name }) => {
      const now = operators.get(keyId)
      return now?.hash === hash && now.operatorId === operatorId && now.name === name
    },
    watch: (onChange) => {
      const timer = setInterval(() => void look(onChange), LOOK_EVERY_MS).unref()
      return () => clearInterval(timer)
    },
  }
}

/** @throws OperatorError `unusable_operators` or `file_not_private` */
export const readOperatorFile = async (file: string): Promise<string> => {
  try {
    return await readSecretFile(file)
  } catch (cause) {
    if (cause instanceof OperatorError) throw cause
    throw unusableOperators(`${file} cannot be read: ${fileFailure(cause as Error)}`, cause)
  }
}

const load = async (file: string): Promise<OperatorFile> => parseOperatorFile(await readOperatorFile(file), file)

const byKeyId = ({ operators }: OperatorFile): ReadonlyMap<string, NamedOperator> =>
  new Map(operators.map((operator) => [operator.keyId, operator]))

/** The same whatever else is in the file, such as names and comments. */
const secretOf = (operators: readonly NamedOperator[]): string | undefined =>
  operators.length === 0
    ? undefined
    : operators
        .map(({ keyId, hash }) => `${keyId} ${hash}`)
        .sort()
        .join('\n')

const isSame = (one: string, other: string): boolean => timingSafeEqual(Buffer.from(one), Buffer.from(other))

/** Changes with the file. A change within the clock's resolution changes the size, or is the second half of a write. */
const stampOf = async (file: string): Promise<string> => {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
  } catch {
    return 'none'
  }
}
