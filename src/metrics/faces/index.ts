import { csvFace } from './csv.js'
import type { Face } from './face.js'
import { jsonFace } from './json.js'
import { openMetricsFace } from './openmetrics.js'
import { prometheusFace } from './prometheus.js'
import { tableFace } from './table.js'

/** All faces; the first one is the default. To add one, write ./<name>.ts and list it here. */
export const FACES = [tableFace, jsonFace, csvFace, prometheusFace, openMetricsFace] as const satisfies readonly Face[]

/** The face of this name; the table without a name. */
export const faceOf = (name: string | undefined): Face => FACES.find((face) => face.name === name) ?? tableFace
