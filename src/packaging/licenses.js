// The licences of the packages inside dist, which their terms want beside the code.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const PACKAGE = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/

/** Writes the licence of every package of which code went into a file, and of those whose folders are named. */
export const writeLicenses = (outputs, others, folder) => {
  const used = Object.values(outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? (PACKAGE.exec(path) ?? []) : []))
  const texts = [...new Set([...used, ...others])].sort().map(licenseOf)
  writeFileSync(join(folder, 'LICENSES.txt'), texts.join(`\n${'-'.repeat(80)}\n\n`))
}

const licenseOf = (folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find((entry) => /^(?:licen[cs]e|copying)/i.test(entry))
  const text = file === undefined ? WITHOUT_FILE : readFileSync(join(folder, file), 'utf8').trim()
  return `${name} ${version} (${license})\n\n${text}\n`
}

const WITHOUT_FILE = 'The package has no file of its licence; the text is at https://spdx.org/licenses/'
