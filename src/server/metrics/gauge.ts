import { Gauge, type Registry } from 'prom-client'

export interface GaugeText {
  readonly name: string
  readonly help: string
}

/** Adds a gauge that is read at each scrape. */
export const addGauge = (registry: Registry, text: GaugeText, read: () => number | Promise<number>): void => {
  new Gauge({
    ...text,
    registers: [registry],
    async collect() {
      this.set(await read())
    },
  })
}

/** Adds a gauge that has a value for each of a few values of a label. */
export const addLabelledGauge = (
  registry: Registry,
  { label, ...text }: GaugeText & { readonly label: string },
  read: () => Readonly<Record<string, number>>,
): void => {
  new Gauge({
    ...text,
    labelNames: [label],
    registers: [registry],
    collect() {
      for (const [one, value] of Object.entries(read())) this.set({ [label]: one }, value)
    },
  })
}
