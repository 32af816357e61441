import type { Environment } from '../environment.js'

/** What a shell offers: a word, and what it is for. */
export type Candidate = readonly [word: string, purpose: string]

/** `files` and `folders` are completed by the shell itself. */
export type Offer = 'files' | 'folders' | readonly Candidate[]

export interface SourceContext {
  /** The real environment: what a file in the working directory says is not acted on before anybody ran a command. */
  readonly env: Environment
  /** What is typed of the word so far. */
  readonly typed: string
  /** The subcommands. */
  readonly commands: readonly Candidate[]
}

/** Finds the values of an option or argument; called only when a shell asks for them. */
export type Source = (context: SourceContext) => Promise<readonly Candidate[]>
