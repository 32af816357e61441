import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { repository } from './chatkeep-process.js'

export const src = join(repository, 'src')

/** One import or re-export; imports of types count like any other. */
export interface Import {
  /** Path below src, with its ending. */
  readonly file: string
  /** Path below src with its ending, or the name of a package. */
  readonly target: string
  readonly isPackage: boolean
}

export const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))

export const readImports = (): readonly Import[] => filesBelow(src).flatMap(importsOf)

const importsOf = (path: string): readonly Import[] => {
  const text = readFileSync(path, 'utf8')
  const found = text.matchAll(/^(?:import|export)\s+(?:type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm)
  return Array.from(found, ([, fixed, lazy]) => {
    const specifier = fixed ?? lazy ?? ''
    const isPackage = !specifier.startsWith('.')
    const target = isPackage
      ? packageName(specifier)
      : relative(src, resolve(dirname(path), specifier)).replace(/\.js$/, '.ts')
    return { file: relative(src, path), target, isPackage }
  })
}

/** The packages that a file loads at once, itself or by its imports; neither types nor what it imports when it runs. */
export const packagesLoadedBy = (path: string, seen = new Set<string>()): readonly string[] => {
  if (seen.has(path)) return []
  seen.add(path)
  const found = readFileSync(join(src, path), 'utf8').matchAll(
    /^(?:import|export)\s+(?!type\s)(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm,
  )
  const packages = Array.from(found, ([, specifier = '']) =>
    specifier.startsWith('.')
      ? packagesLoadedBy(relative(src, resolve(src, dirname(path), specifier)).replace(/\.js$/, '.ts'), seen)
      : [packageName(specifier)],
  )
  return [...new Set(packages.flat())].filter((name) => !name.startsWith('node:'))
}

const packageName = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** The room of a file: its folder below src, or the name of a file that stands beside the rooms. */
export const roomOf = (path: string): string =>
  path.includes('/') ? (path.split('/')[0] ?? '') : path.replace(/\.ts$/, '')

/** The inner room of a file, such as `verify/checks`; a file at the root of its room stands for itself. */
export const innerRoomOf = (path: string): string => (path.split('/').length < 3 ? path : dirname(path))

/** Which room may import from which, and why. */
export type Directions = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Imports between rooms that no direction allows, as `file -> target`. @param leaves rooms that every room may import */
export const forbiddenImports = (
  imports: readonly Import[],
  directions: Directions,
  leaves: readonly string[],
): readonly string[] =>
  imports
    .filter(({ isPackage }) => !isPackage)
    .filter(({ file, target }) => {
      const [from, to] = [roomOf(file), roomOf(target)]
      return from !== to && !leaves.includes(to) && directions[from]?.[to] === undefined
    })
    .map(({ file, target }) => `${file} -> ${target}`)

/** Directions that no import uses any more, as `from -> to`. */
export const unusedDirections = (imports: readonly Import[], directions: Directions): readonly string[] => {
  const used = new Set(imports.map(({ file, target }) => `${roomOf(file)} -> ${roomOf(target)}`))
  return Object.entries(directions)
    .flatMap(([from, targets]) => Object.keys(targets).map((to) => `${from} -> ${to}`))
    .filter((direction) => !used.has(direction))
}

/** Cycles of imports between the places that `placeOf` names, each as `a -> b -> a`. */
export const circles = (
  imports: readonly Import[],
  placeOf: (path: string) => string = (path) => path,
): readonly string[] => {
  const edges = new Map<string, Set<string>>()
  for (const { file, target, isPackage } of imports) {
    const [from, to] = [placeOf(file), placeOf(target)]
    if (isPackage || (from === to && file !== target)) continue
    edges.set(from, (edges.get(from) ?? new Set<string>()).add(to))
  }
  const done = new Set<string>()
  const found: string[] = []
  const visit = (node: string, path: readonly string[]): void => {
    if (path.includes(node)) found.push([...path.slice(path.indexOf(node)), node].join(' -> '))
    if (path.includes(node) || done.has(node)) return
    for (const next of edges.get(node) ?? []) visit(next, [...path, node])
    done.add(node)
  }
  for (const node of edges.keys()) visit(node, [])
  return found
}

/** Files that import a package outside the place it is restricted to. */
export const strayPackages = (imports: readonly Import[], name: string, allowed: RegExp): readonly string[] =>
  imports
    .filter(({ target, isPackage, file }) => isPackage && target === name && !allowed.test(file))
    .map(({ file }) => file)

/** Folders with more than `most` files, as `folder: count`. */
export const crowdedFolders = (paths: readonly string[], most: number): readonly string[] => {
  const counts = new Map<string, number>()
  for (const path of paths) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1)
  return [...counts].filter(([, count]) => count > most).map(([folder, count]) => `${folder}: ${count}`)
}
