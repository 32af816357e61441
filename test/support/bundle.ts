import { build } from 'esbuild'

/** Bundles one file into a program. Packages stay outside: the program must lie where they can be resolved. */
export const bundleProgram = async (entryPoint: string): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [entryPoint],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  })
  return outputFiles[0]?.text ?? ''
}
