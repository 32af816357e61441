/** Makes callers wait while it is shut. */
export interface Gate {
  readonly isShut: boolean
  shut(): void
  open(): void
  /** Resolves at once while open, else when it opens, in the order of the calls. */
  passed(): Promise<void>
}

export const createGate = (): Gate => {
  let shut: { readonly opened: Promise<void>; readonly open: () => void } | undefined
  return {
    get isShut() {
      return shut !== undefined
    },
    shut: () => {
      if (shut !== undefined) return
      let open: () => void = () => undefined
      const opened = new Promise<void>((resolve) => (open = resolve))
      shut = { opened, open }
    },
    open: () => {
      shut?.open()
      shut = undefined
    },
    passed: async () => {
      while (shut !== undefined) await shut.opened
    },
  }
}
