import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { Exposition, ServerMetrics } from '../metrics/server-metrics.js'
import { SILENCE_LIMITS } from '../protection/silent-connections.js'
import { authorityOf, listen } from './listen.js'

export const METRICS_PATH = '/metrics'

/** Answers `/metrics` to those who may read them; every other request is the next listener's. */
export const withMetricsPath =
  (
    metrics: ServerMetrics | undefined,
    mayRead: (request: IncomingMessage) => boolean,
    next: RequestListener,
  ): RequestListener =>
  (request, response) => {
    const [path] = (request.url ?? '').split('?')
    if (metrics === undefined || path !== METRICS_PATH) next(request, response)
    else if (request.method !== 'GET' && request.method !== 'HEAD')
      response.writeHead(405, { allow: 'GET, HEAD' }).end()
    else if (!mayRead(request)) response.writeHead(403, { 'content-type': 'text/plain' }).end(FORBIDDEN)
    else void answer(metrics.read(request.headers.accept), response)
  }

const FORBIDDEN = 'Metrics are for this machine. To let others read them, start the server with --metrics HOST:PORT.\n'

const answer = async (reading: Promise<Exposition>, response: ServerResponse): Promise<void> => {
  const { contentType, body } = await reading
  response
    .writeHead(200, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
    })
    .end(body)
}

/** Where metrics are served on a listener of their own. */
export interface MetricsAddress {
  readonly host: string
  readonly port: number
}

export interface MetricsListener {
  readonly url: string
  close(): void
}

/**
 * Serves the metrics to everybody who can reach the address.
 * @throws OperatorError of `listen`
 */
export const listenForMetrics = async (
  metrics: ServerMetrics,
  { host, port }: MetricsAddress,
): Promise<MetricsListener> => {
  const http = createServer(
    SILENCE_LIMITS,
    withMetricsPath(
      metrics,
      () => true,
      (_request, response) => response.writeHead(404).end(),
    ),
  )
  const actualPort = await listen(http, host, port, FLAGS)
  return {
    url: `http://${authorityOf(host, actualPort)}${METRICS_PATH}`,
    close: () => {
      http.close()
      http.closeAllConnections()
    },
  }
}

const FLAGS = { host: '--metrics', port: '--metrics' }
