// Rolls the declarations that tsc made of the sources into those of the public API: what it does not mention is left out, and with
// it the types of packages that an application does not have.
import { rmSync } from 'node:fs'
import { rolldown } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'

const DECLARATIONS = 'dist/declarations'

const bundle = await rolldown({
  input: { index: `${DECLARATIONS}/index.d.ts`, client: `${DECLARATIONS}/client/index.d.ts` },
  external: /^[^./]/,
  plugins: [dts({ dtsInput: true, emitDtsOnly: true, tsconfig: false })],
})
await bundle.write({ dir: 'dist/types', format: 'esm' })
rmSync(DECLARATIONS, { recursive: true })
