/** What differs from run to run: durations, rates, instants, versions, random names, sizes that follow the clock. */
export const maskVarying = (screen: string): string =>
  screen
    .replace(/\d+(\.\d+)? (ms|s)\b/g, '# ms')
    .replace(/[\d,]+( messages)?\/s/g, '#/s')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '#Z')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?/g, '#')
    .replace(/PostgreSQL .*? {2}/g, 'PostgreSQL #  ')
    .replace(/(plan hash: |--plan-hash |plan {2,})\w{16}/g, '$1#')
    .replace(/(~[\d,]+ rows|rows unknown \(never analysed\)), [\d.]+ \w+/g, '# rows')
    .replace(/checksum \d+/g, 'checksum #')
    .replace(/chatkeep-smoke-\w+/g, 'chatkeep-smoke-#')
    // The messages of the tour are of the last day; the first of them leave the window while it is shown.
    .replace(/\b(CLIENT|OPERATOR)\b([^\d\n]*)\d[\d,]*/g, '$1$2#')
    // Ids depend on which of two guests came first.
    .replace(/\b(messages?|clientId) \d[\d, ]*/g, '$1 # ')
    .replace(/[ -]+/g, ' ')
