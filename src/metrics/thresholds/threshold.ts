import { nearestWord } from '../../terminal/nearest-word.js'
import type { Metric } from '../metric.js'
import { parseRange, type Range } from './range.js'

export const LEVELS = ['warn', 'crit'] as const

export type Level = (typeof LEVELS)[number]

/** When a metric, or those of its samples that have these labels, is worth an alert. */
export interface Threshold {
  readonly metric: string
  readonly labels: Readonly<Record<string, string>>
  readonly level: Level
  /** Undefined: no alert. */
  readonly range: Range | undefined
}

/** A threshold, or what is wrong with it. */
export type Parsed<T> = { readonly value: T } | { readonly mistake: string }

/** What a threshold is about. */
export interface Subject {
  readonly metric: Metric
  readonly labels: Readonly<Record<string, string>>
}

const SUBJECT = /^([^{}=]+)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?$/
const LABEL = /\s*(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|[^",]*)(?:,|$)/gy

/** Reads `name=RANGE` or `name{label=value}=RANGE`, as a flag has it. */
export const parseThreshold = (text: string, level: Level, metrics: readonly Metric[]): Parsed<Threshold> => {
  const split = text.lastIndexOf('=')
  const subject = text.slice(0, Math.max(0, split))
  if (!SUBJECT.test(subject)) return { mistake: 'is not of the form name=RANGE or name{label=value}=RANGE' }
  const parsed = parseSubject(subject, metrics)
  return 'mistake' in parsed ? parsed : atLevel(parsed.value, level, text.slice(split + 1))
}

/** Reads `name` or `name{label=value,label="value"}`. */
export const parseSubject = (text: string, metrics: readonly Metric[]): Parsed<Subject> => {
  const [, name = text, selector] = SUBJECT.exec(text) ?? []
  const metric = metrics.find((one) => one.name === name)
  if (metric === undefined) return { mistake: unknownWord('metric', name, namesOf(metrics)) }
  const labels = parseSelector(selector)
  if (labels === undefined)
    return { mistake: `{${selector ?? ''}} is not of the form {label=value} or {label="value"}` }
  const known = metric.labels ?? []
  const strange = Object.keys(labels).find((label) => !known.includes(label))
  if (strange === undefined) return { value: { metric, labels } }
  return { mistake: known.length === 0 ? `${name} has no labels` : unknownWord(`label of ${name}`, strange, known) }
}

const namesOf = (metrics: readonly Metric[]): readonly string[] => metrics.map(({ name }) => name)

const parseSelector = (text: string | undefined): Readonly<Record<string, string>> | undefined => {
  if (text === undefined) return {}
  const pairs = Array.from(text.matchAll(LABEL))
  if (pairs.length === 0 || pairs.map(([all]) => all).join('') !== text) return undefined
  return Object.fromEntries(pairs.map(([, label = '', value = '']) => [label, unquoted(value.trim())]))
}

const unquoted = (value: string): string =>
  value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value

/** The threshold of a range as it was written; `off` and null mean none. */
export const atLevel = ({ metric, labels }: Subject, level: Level, text: string | number | null): Parsed<Threshold> => {
  const threshold = { metric: metric.name, labels, level }
  if (text === null || text === 'off') return { value: { ...threshold, range: undefined } }
  const range = parseRange(String(text), metric.unit)
  return typeof range === 'string' ? { mistake: `"${text}" ${range}` } : { value: { ...threshold, range } }
}

/** A word that is none of those known, and which one was probably meant. */
export const unknownWord = (kind: string, word: string, known: readonly string[]): string => {
  const nearest = nearestWord(word, known)
  const choice = known.length < FEW ? `; write ${ANY_OF.format(known)}` : ''
  return `unknown ${kind} "${word}"${nearest === undefined ? choice : `; did you mean ${nearest}?`}`
}

const FEW = 5
const ANY_OF = new Intl.ListFormat('en-GB', { type: 'disjunction' })
