/** Where a server listens unless told otherwise: on this machine only. */
export const DEFAULT_HOST = '127.0.0.1'
export const DEFAULT_PORT = 3001

/** Long enough for a page to be loaded again. */
export const DEFAULT_DISCONNECT_GRACE_MS = 10_000

/** Where clients find the chat on an HTTP server. */
export const DEFAULT_PATH = '/chat'
