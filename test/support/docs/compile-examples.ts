import { join } from 'node:path'
import ts from 'typescript'
import { repository } from '../chatkeep-process.js'

/** TypeScript of a page. */
export interface Example {
  /** Where it stands, for messages. */
  readonly name: string
  readonly code: string
}

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  noEmit: true,
  paths: { chatkeep: [join(repository, 'src/index.ts')] },
}

/** What the compiler finds wrong with the examples, one line a mistake; they see the library's sources as `chatkeep`. */
export const compileExamples = (examples: readonly Example[], folder = repository): readonly string[] => {
  const codes = new Map(examples.map(({ code }, index) => [join(folder, `example-${index}.ts`), code]))
  const names = new Map([...codes.keys()].map((file, index) => [file, examples[index]?.name]))
  const real = ts.createCompilerHost(OPTIONS)
  const host: ts.CompilerHost = {
    ...real,
    fileExists: (file) => codes.has(file) || real.fileExists(file),
    readFile: (file) => codes.get(file) ?? real.readFile(file),
    getSourceFile: (file, version) => {
      const code = codes.get(file)
      return code === undefined ? real.getSourceFile(file, version) : ts.createSourceFile(file, code, version)
    },
  }
  const program = ts.createProgram([...codes.keys()], OPTIONS, host)
  // Of these files alone: the library is checked by `npm run typecheck`.
  return [...codes.keys()]
    .flatMap((name) => ts.getPreEmitDiagnostics(program, program.getSourceFile(name)))
    .filter(({ file }) => file !== undefined)
    .map(({ file, messageText }) => {
      const text = ts.flattenDiagnosticMessageText(messageText, ' ')
      return `${names.get(file?.fileName ?? '') ?? ''}: ${text}`
    })
}
