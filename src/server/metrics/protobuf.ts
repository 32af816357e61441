import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { MetricObjectWithValues, MetricValue } from 'prom-client'
import { ZERO_THRESHOLD, type NativeHistogram } from './native-histogram.js'

/** What a scraper asks for that takes native histograms, which no text format has. */
export const PROTOBUF_TYPE =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited'

type Labels = Readonly<Record<string, string | number | undefined>>

/** A metric of prom-client, as its registry tells it. */
type Family = MetricObjectWithValues<MetricValue<string>>

export interface NativeFamily {
  readonly name: string
  readonly help: string
  readonly histograms: readonly { readonly labels: Labels; readonly histogram: NativeHistogram }[]
}

/** A piece of a message. */
type Write = (writer: BinaryWriter) => unknown

// Numbers of https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
const TYPES: Readonly<Record<string, number>> = { counter: 0, gauge: 1, histogram: 4 }
const VALUE_FIELDS: Readonly<Record<string, number>> = { counter: 3, gauge: 2 }
const HISTOGRAM_FIELD = 7

/** Writes metrics as messages of the type MetricFamily, each after its length. */
export const toProtobuf = (families: readonly Family[], natives: readonly NativeFamily[]): Uint8Array => {
  const writer = new BinaryWriter()
  for (const family of families) writeFamily(writer, family, String(family.type), metricsOf(family))
  for (const family of natives) {
    const metrics = family.histograms.map(({ labels, histogram }) => metric(labels, HISTOGRAM_FIELD, native(histogram)))
    writeFamily(writer, family, 'histogram', metrics)
  }
  return writer.finish()
}

const writeFamily = (
  writer: BinaryWriter,
  { name, help }: { readonly name: string; readonly help: string },
  type: string,
  metrics: readonly Write[],
): void => {
  writer.fork()
  writer.tag(1, WireType.LengthDelimited).string(name)
  writer.tag(2, WireType.LengthDelimited).string(help)
  writer.tag(3, WireType.Varint).int32(TYPES[type] ?? 0)
  for (const write of metrics) message(writer, 4, write)
  writer.join()
}

const message = (writer: BinaryWriter, field: number, write: Write): void => {
  writer.tag(field, WireType.LengthDelimited).fork()
  write(writer)
  writer.join()
}

const metric =
  (labels: Labels, field: number, value: Write): Write =>
  (writer) => {
    for (const [name, text] of Object.entries(labels)) {
      message(writer, 1, (pair) =>
        pair.tag(1, WireType.LengthDelimited).string(name).tag(2, WireType.LengthDelimited).string(String(text)),
      )
    }
    message(writer, field, value)
  }

const metricsOf = ({ type, values }: Family): readonly Write[] => {
  const field = VALUE_FIELDS[String(type)]
  if (field === undefined) return classicHistograms(values)
  return values.map(({ labels, value }) =>
    metric(labels, field, (writer) => writer.tag(1, WireType.Bit64).double(value)),
  )
}

/** prom-client tells the buckets, the sum and the count of a histogram one after another, each with the labels. */
const classicHistograms = (values: Family['values']): readonly Write[] => {
  const byLabels = new Map<
    string,
    { readonly labels: Labels; readonly parts: [le: string | number | undefined, value: number][] }
  >()
  for (const one of values) {
    const { metricName = '' } = one as { readonly metricName?: string }
    const { le, ...labels } = one.labels
    const key = JSON.stringify(labels)
    const group = byLabels.get(key) ?? { labels, parts: [] }
    byLabels.set(key, group)
    group.parts.push([metricName.endsWith('_bucket') ? le : /_(sum|count)$/.exec(metricName)?.[1], one.value])
  }
  return Array.from(byLabels.values(), ({ labels, parts }) =>
    metric(labels, HISTOGRAM_FIELD, (writer) => {
      for (const [part, value] of parts) {
        if (part === 'count') writer.tag(1, WireType.Varint).uint64(value)
        else if (part === 'sum') writer.tag(2, WireType.Bit64).double(value)
        else
          message(writer, 3, (bucket) =>
            bucket
              .tag(1, WireType.Varint)
              .uint64(value)
              .tag(2, WireType.Bit64)
              .double(part === '+Inf' ? Infinity : Number(part)),
          )
      }
    }),
  )
}

const native =
  ({ count, sum, schema, zeroCount, spans, deltas }: NativeHistogram): Write =>
  (writer) => {
    writer.tag(1, WireType.Varint).uint64(count)
    writer.tag(2, WireType.Bit64).double(sum)
    writer.tag(5, WireType.Varint).sint32(schema)
    writer.tag(6, WireType.Bit64).double(ZERO_THRESHOLD)
    writer.tag(7, WireType.Varint).uint64(zeroCount)
    for (const { offset, length } of spans)
      message(writer, 12, (span) => span.tag(1, WireType.Varint).sint32(offset).tag(2, WireType.Varint).uint32(length))
    for (const delta of deltas) writer.tag(13, WireType.Varint).sint64(delta)
  }
