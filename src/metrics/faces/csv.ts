import { scriptFace } from './face.js'

export const csvFace = scriptFace('csv', 'a row for each value of each window and bucket', async ({ report }) => {
  const { csvText } = await import('./csv-text.js')
  return csvText(report)
})
