// Builds dist: chatkeep and the packages that only work on data. What package.json calls a dependency stays outside.
import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { packageJson } from './package-json.js'
import { writeLicenses } from './licenses.js'

const { outdir } = parseArgs({ options: { outdir: { type: 'string', default: 'dist' } } }).values
const external = [...Object.keys(packageJson.dependencies), ...Object.keys(packageJson.peerDependencies)]

/** A CommonJS package requires modules of Node and packages that stay outside: an ES module has to import them. */
const importOutside = {
  name: 'import-outside',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /./ }, ({ path, kind, namespace }) => {
      if (namespace === 'outside') return { path, external: true }
      const isOutside = isBuiltin(path) || external.includes(path)
      return kind === 'require-call' && isOutside ? { path, namespace: 'outside' } : undefined
    })
    onLoad({ filter: /./, namespace: 'outside' }, ({ path }) => ({
      contents: `import outside from '${isBuiltin(path) ? `node:${path.replace(/^node:/, '')}` : path}'; module.exports = outside`,
    }))
  },
}

const openTelemetry = './node_modules/@opentelemetry/api-1.4/build/esm/index.js'

/** Of these packages, another file than the one that they name. */
const alias = {
  lilconfig: './src/packaging/no-config.js',
  '@opentelemetry/api': openTelemetry,
  '@opentelemetry/api-1.4': openTelemetry,
}

const U_PLOT = 'node_modules/uplot'
const read = (file) => readFileSync(`${U_PLOT}/${file}`, 'utf8')
const uPlot = { licence: read('LICENSE'), script: read('dist/uPlot.iife.min.js'), style: read('dist/uPlot.min.css') }

const buildEntries = async (entryPoints) => {
  const { metafile } = await build({
    entryPoints,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external,
    alias,
    // Some packages have a second build for development.
    define: { 'process.env.NODE_ENV': '"production"', UPLOT: JSON.stringify(uPlot) },
    plugins: [importOutside],
    outdir,
    metafile: true,
    legalComments: 'none',
    logLevel: 'warning',
  })
  return metafile.outputs
}

// Apart, so that the library is a few files: shared with the program, it would be some fifty, which take longer to load.
const program = await buildEntries({ main: 'src/main.ts' })
const library = await buildEntries({ index: 'src/index.ts', client: 'src/client/index.ts' })
writeLicenses({ ...program, ...library }, [U_PLOT], outdir)
