import { build } from 'esbuild'

/** One file's program for a process of its own, packages left out: it has to be put where those are found. */
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
