// Builds dist: chatkeep and the packages that only work on data. What package.json calls a dependency stays outside.
import { isBuiltin } from 'node:module'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { packageJson } from './package-json.js'
import { writeLicenses } from './licenses.js'

const { outdir } = parseArgs({ options: { outdir: { type: 'string', default: 'dist' } } }).values
const { dependencies, peerDependencies } = packageJson

/** CommonJS packages `require` modules of Node, which an ES module has to import. */
const importBuiltins = {
  name: 'import-builtins',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /./ }, ({ path, kind }) =>
      kind === 'require-call' && isBuiltin(path)
        ? { path: `node:${path.replace(/^node:/, '')}`, namespace: 'builtin' }
        : undefined,
    )
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
      contents: `import builtin from '${path}'; module.exports = builtin`,
    }))
  },
}

const { metafile } = await build({
  entryPoints: ['src/main.ts', 'src/index.ts'],
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: [...Object.keys(dependencies), ...Object.keys(peerDependencies)],
  plugins: [importBuiltins],
  outdir,
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
})

writeLicenses(metafile, outdir)
