import { Client, Connection, type ClientConfig } from 'pg'
import { ConnectionProblem, isTlsFailure, isUnreachable, NO_PASSWORD } from './connection-failure.js'
import type { ConnectionTarget, SessionAttributes } from './connection-target.js'
import { noteFailedTarget } from './errors/failed-target.js'
import { PAST_COLUMNS, toPast, type PastRow, type ServerPast } from './failover/timelines.js'
import { isTlsSocket } from './target/node-tls.js'
import { openStream, type Place, type Reach } from './open-stream.js'
import { pinSession, type Pins } from './pinned-settings.js'
import { placesOf, shuffled } from './places.js'
import { withOwnTypes } from './session/own-types.js'
import { watchEncoding } from './session/client-encoding.js'
import { refuseUnsuitable } from './session-attributes.js'
import { onlyRow } from './rows.js'
import { hasSqlState, isServerError, SqlState } from './sql-state.js'
import { watchAuthentication, type Authentication } from './authentication.js'
import { isLocal, isSocket, type Host } from './target/hosts.js'
import type { Way } from './target/tls.js'

/** A failed attempt, for an error that lists them. */
export interface FailedAttempt {
  readonly place: Host
  readonly error: Error
}

/** No host of a target could be used; `errors` are those of the attempts. */
export class NoHostReached extends AggregateError {
  constructor(readonly attempts: readonly FailedAttempt[]) {
    super(attempts.map(({ error }) => error))
  }
}

/** What a client of node-postgres keeps of its one connection; its types have neither. */
interface Wire {
  readonly processID: number | null
  readonly connectionParameters: object
  readonly connection: Connection
  readonly password: () => Promise<string>
  readonly enableChannelBinding: boolean
  readonly readyForQuery: boolean
  readonly _connected: boolean
  readonly _connecting: boolean
  readonly _connectionError: boolean
  readonly _ended: boolean
  readonly _queryable: boolean
}

/** How a new session begins. */
export interface SessionStart {
  readonly pins: Pins
  /** The statement_timeout of the session; 0 for none. */
  readonly statementTimeoutMs: number
  /** Stops the search for a host. */
  readonly signal?: AbortSignal | undefined
}

/** A function is not for this role, is missing, or is not of this service. */
const CANNOT_ASK = [SqlState.insufficientPrivilege, SqlState.undefinedFunction, SqlState.featureNotSupported] as const

type Callback = (error: Error | undefined, client?: Client) => void

/**
 * A client that tries the hosts of a target, their addresses, and the ways to them, in libpq's order. node-postgres
 * connects a client to one host, once; this one gets a new connection for each attempt. Its session begins with pinned
 * settings.
 */
export class TargetClient extends Client {
  /** Where it is connected, or was trying to be. */
  place: Place | undefined
  readonly #target: ConnectionTarget
  readonly #start: SessionStart
  #password: string | undefined
  #isEncrypted = false
  #past: ServerPast | undefined

  constructor(target: ConnectionTarget, config: ClientConfig, start: SessionStart) {
    const { user, database, host, port, connectTimeoutMs } = target
    super({
      ...config,
      ...{ user, database, host, port, connectionTimeoutMillis: connectTimeoutMs },
      ...{ ssl: false, sslnegotiation: 'postgres', keepAlive: true },
    })
    this.#target = target
    this.#start = start
    // The next query reports a connection that broke between two queries, or right after it was made; without a listener
    // the error would end the process.
    this.on('error', () => undefined)
    // The driver would read these of the process's environment.
    Object.assign((this as unknown as Wire).connectionParameters, { options: target.options, replication: undefined })
  }

  override connect(): Promise<Client>
  override connect(callback: Callback): void
  override connect(callback?: Callback): Promise<Client> | void {
    const reached = this.#reachOrAsk().then(
      () => this as Client,
      (error: unknown) => {
        noteFailedTarget(error, error instanceof NoHostReached ? this.#target : at(this.#target, this))
        throw error
      },
    )
    if (callback === undefined) return reached
    reached.then(
      (client) => callback(undefined, client),
      (error: unknown) => callback(error as Error),
    )
  }

  /** How its server was reached; undefined before it was. */
  get reach(): Reach | undefined {
    const { tls } = this.#target
    return this.place && { place: this.place, way: this.#isEncrypted ? 'tls' : 'plain', tls }
  }

  async #reachOrAsk(): Promise<void> {
    const { askPassword, user } = this.#target
    try {
      await this.#reach()
    } catch (error) {
      const isMissing = error instanceof ConnectionProblem && error.kind === 'password'
      if (!isMissing || askPassword === undefined) throw error
      this.#password = await askPassword(user)
      if (this.#password === undefined) throw error
      await this.#reach()
    }
  }

  async #reach(): Promise<void> {
    const { hosts, balancesLoad, sessionAttributes: wanted } = this.#target
    const passes: readonly SessionAttributes[] = wanted === 'prefer-standby' ? ['standby', 'any'] : [wanted]
    let failed: FailedAttempt[] = []
    for (const attributes of passes) {
      failed = []
      for (const host of balancesLoad ? shuffled(hosts) : hosts) {
        if (await this.#tryHost(host, attributes, failed)) return
      }
    }
    const [first, ...others] = failed
    throw first === undefined || others.length > 0 ? new NoHostReached(failed) : first.error
  }

  /** Tries the addresses of a host. @returns whether it is connected; if not, the reasons are in `failed` */
  async #tryHost(host: Host, attributes: SessionAttributes, failed: FailedAttempt[]): Promise<boolean> {
    const { balancesLoad, connectTimeoutMs } = this.#target
    const places = await placesOf(host, connectTimeoutMs).catch((error: unknown) => {
      failed.push({ place: host, error: error as Error })
      return []
    })
    const needed = attributes === 'any' && this.#isPrimaryMeant(host, places) ? 'read-write' : attributes
    for (const place of balancesLoad ? shuffled(places) : places) {
      try {
        await this.#tryPlace(place, needed)
        return true
      } catch (error) {
        this.#start.signal?.throwIfAborted()
        if (!mayOtherServerDo(error)) throw error
        failed.push({ place, error: error as Error })
      }
    }
    return false
  }

  /** A name of this machine has two addresses, and one server. */
  #isPrimaryMeant(host: Host, places: readonly Place[]): boolean {
    const { hosts, writes } = this.#target
    return writes === true && (hosts.length > 1 || (places.length > 1 && !isLocal(host.host)))
  }

  /** Tries the ways to an address. @throws of several errors the one that says most */
  async #tryPlace(place: Place, attributes: SessionAttributes): Promise<void> {
    const ways: readonly Way[] = isSocket(place.host) ? ['plain'] : this.#target.tls.ways
    let reason: Error | undefined
    for (const way of ways) {
      try {
        await this.#tryWay(place, way)
        await refuseUnsuitable(withOwnTypes(this), attributes)
        if (this.#past !== undefined) this.#target.timelines?.admit(this, this.#past)
        return
      } catch (error) {
        this.#drop()
        // That the other way is not allowed says less than why this one failed.
        if (reason === undefined || hasSqlState(reason, SqlState.invalidAuthorization)) reason = error as Error
        // A server without TLS has refused the plain connection already.
        if (!mayOtherWayDo(error) || (way === 'tls' && !isTlsFailure(error) && !this.#isEncrypted)) break
      }
    }
    throw reason ?? new Error('there is no way to try')
  }

  async #tryWay(place: Place, way: Way): Promise<void> {
    const { tls, connectTimeoutMs, channelBinding } = this.#target
    this.place = place
    const stream = await openStream(place, way, tls, connectTimeoutMs)
    this.#isEncrypted = isTlsSocket(stream)
    // The driver would connect it; it is connected, and ready for the first message.
    Object.assign(stream, { connect: () => setImmediate(() => stream.emit('connect')) })
    const connection = new Connection({ stream: () => stream, keepAlive: true })
    const authentication = watchAuthentication(connection)
    watchEncoding(connection)
    const fresh: Partial<Wire> = {
      ...{
        connection,
        readyForQuery: false,
        _connecting: false,
        _connected: false,
        _connectionError: false,
        _ended: false,
        _queryable: true,
      },
      enableChannelBinding: this.#isEncrypted && channelBinding !== 'disable',
      password: () => this.#passwordFor(place, authentication),
    }
    Object.assign(this, fresh)
    await super.connect()
    authentication.refuse(this.#target, this.#isEncrypted)
    await this.#pin()
  }

  /** In one round trip, and first: no other query of ours runs with other settings. */
  async #pin(): Promise<void> {
    const { timelines } = this.#target
    const client = withOwnTypes(this)
    if (timelines?.canAsk !== true) {
      await client.query(this.#pinSql())
      return
    }
    try {
      this.#past = toPast(onlyRow(await client.query<PastRow>(this.#pinSql(PAST_COLUMNS))))
    } catch (error) {
      if (!hasSqlState(error, ...CANNOT_ASK)) throw error
      timelines.canAsk = false
      await client.query(this.#pinSql())
    }
  }

  #pinSql(columns?: string): string {
    const { processID } = this as unknown as Wire
    return pinSession(this.#start.pins, this.#start.statementTimeoutMs, processID ?? 0, columns)
  }

  /** Ends the connection at once. A statement that runs fails as if the connection had broken. */
  cut(): void {
    this.connection.stream.destroy()
  }

  #passwordFor(place: Place, authentication: Authentication): Promise<string> {
    authentication.refuse(this.#target, this.#isEncrypted)
    const password = this.#password ?? place.password
    return password === undefined
      ? Promise.reject(new ConnectionProblem(NO_PASSWORD, 'password'))
      : Promise.resolve(password)
  }

  /** Forgets a connection that failed, so that its end is not the client's. */
  #drop(): void {
    const { connection } = this
    connection.removeAllListeners()
    connection.on('error', () => undefined)
    connection.stream.destroy()
  }
}

/** The target as a client has reached it, or tried to: of several hosts and addresses the one. */
export const at = (target: ConnectionTarget, { place }: TargetClient): ConnectionTarget =>
  place === undefined ? target : { ...target, hosts: [place], host: place.host, port: place.port }

/** After these, libpq tries the next host; a server that answers, and refuses, ends the search. */
const mayOtherServerDo = (error: unknown): boolean =>
  hasSqlState(error, SqlState.cannotConnectNow) || isUnreachable(error)

/** The other way of `allow` and `prefer`: without TLS after a failed handshake, and either way after a refusal. */
const mayOtherWayDo = (error: unknown): boolean =>
  isTlsFailure(error) || (isServerError(error) && !hasSqlState(error, SqlState.cannotConnectNow))
