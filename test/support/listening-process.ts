// A process that listens to all new messages: bundled and started by a test. Reports `ready`, then each id; ends when it is told to.
import { createChatStore } from '../../src/index.js'

export type ListeningReport = 'ready' | number

const [databaseUrl = ''] = process.argv.slice(2)
const tell = (report: ListeningReport): boolean | undefined => process.send?.(report)

const store = createChatStore({ databaseUrl }, { applicationName: 'listener' })
process.once('message', () => void store.close().then(() => process.disconnect()))
// What is reported here is the server's restart.
await store.onMessage(({ id }) => void tell(id), { onError: (error) => console.error(String(error)) })
tell('ready')
