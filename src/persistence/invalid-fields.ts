import type { core } from 'zod/mini'

/** What is wrong with a value, one entry a field, such as `type must be "text" or "image"`; never the value, which may be personal. */
export const invalidFields = (error: core.$ZodError): readonly string[] =>
  error.issues.map(({ path, message }) => [...path, message].join(' '))

/** Words for an issue whose schema has none of its own: the ones of zod are made for programmers. */
export const describeIssue = (issue: core.$ZodRawIssue): string | undefined => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? 'is missing'
        : `must be ${withArticle(issue.expected === 'int' ? 'whole number' : issue.expected)}`
    case 'invalid_value':
      return oneOf(issue.values)
    case 'invalid_union':
      return Array.isArray(issue.options) ? oneOf(issue.options) : 'has the wrong type'
    case 'too_small':
      if (issue.origin !== 'string') return `must be at least ${issue.minimum}`
      return issue.minimum === 1 ? 'is empty' : `is shorter than ${issue.minimum} characters`
    case 'too_big':
      return issue.origin === 'string'
        ? `is longer than ${issue.maximum} characters`
        : `must be at most ${issue.maximum}`
    default:
      return undefined
  }
}

const oneOf = (values: readonly unknown[]): string =>
  `must be ${values.map((value) => JSON.stringify(value)).join(' or ')}`

const withArticle = (noun: string): string => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`
