import { join } from 'node:path'
import type { Runtime } from './runtimes.js'
import { run, type Ended } from './run.js'

/** Where a command runs: the folder in which chatkeep is installed, and a database of the runtime's own. */
export interface Site {
  readonly folder: string
  readonly databaseUrl: string
}

interface Command {
  readonly name: string
  readonly run: (runtime: Runtime, site: Site) => Promise<Ended>
}

const script = ({ command }: Runtime, { folder }: Site, ...argv: readonly string[]): Promise<Ended> =>
  run([...command, ...argv], { cwd: folder })

const BIN = join('node_modules', 'chatkeep', 'bin', 'chatkeep.js')

const on = (name: string, ...flags: readonly string[]): Command => ({
  name,
  run: (runtime, site) => script(runtime, site, BIN, name, '--database-url', site.databaseUrl, ...flags),
})

/** Serves until a client has talked to it. */
const serve: Command = {
  name: 'serve, and chatkeep/client',
  run: async (runtime, site) => {
    let talk: Promise<Ended> | undefined
    const argv = [...runtime.command, BIN, 'serve', '--port', '0', '--database-url', site.databaseUrl]
    const served = await run(argv, { cwd: site.folder }, (output, stop) => {
      const url = /http:\S+\/chat(?=\n)/.exec(output)?.[0]
      if (url === undefined || talk !== undefined) return
      talk = script(runtime, site, 'client.mjs', url)
      void talk.then(stop)
    })
    const talked = await talk
    return talked?.code === 0 ? served : (talked ?? served)
  },
}

/** In an order in which each finds what it needs. */
export const COMMANDS: readonly Command[] = [
  { name: '--version', run: (runtime, site) => script(runtime, site, BIN, '--version') },
  on('migrate', '--create-tables'),
  on('verify'),
  on('replay', '--scenario', 'guest-flow'),
  on('metrics'),
  on('status'),
  on('reconcile'),
  { name: "import 'chatkeep'", run: (runtime, site) => script(runtime, site, 'store.mjs', site.databaseUrl) },
  serve,
  {
    name: 'rollback',
    run: (runtime, site) => {
      const name = new URL(site.databaseUrl).pathname.slice(1)
      return script(runtime, site, BIN, 'rollback', '--database-url', site.databaseUrl, '--confirm', name)
    },
  },
  { name: 'demo', run: (runtime, site) => script(runtime, site, BIN, 'demo') },
]
