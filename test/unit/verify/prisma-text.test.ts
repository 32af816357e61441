import { describe, expect, test } from 'vitest'
import { toModels } from '../../../src/verify/models/prisma-blocks.js'

const read = async (text: string): Promise<readonly string[]> => {
  const { models, enums } = await toModels([{ name: 'a.prisma', text }])
  return [
    ...models.map(({ name, fieldNames }) => `${name}: ${fieldNames.join(' ')}`),
    ...enums.map(({ name, labels }) => `${name}: ${labels.join(' ')}`),
  ]
}

// `npx prisma validate` of 7.10 calls each of these valid.
describe('a schema is read as Prisma reads it', () => {
  test.for([
    ['a comment before a model', '/* a */\nmodel A {\n  id Int @id\n}\n', ['A: id']],
    ['a comment of several lines', '/**\n * model B {\n */\nmodel A {\n  id Int @id\n}\n', ['A: id']],
    ['a comment in a model', 'model A {\n  /* b Int\n  c Int */\n  id Int @id\n}\n', ['A: id']],
    ['a comment behind a field', 'model A {\n  id Int @id /* b */\n  c Int /**/\n}\n', ['A: id c']],
    ['a comment behind {', 'model A { /* b */ // c\n  id Int @id\n}\n', ['A: id']],
    [
      'a comment behind }',
      'model A {\n  id Int @id\n} /* end */\nmodel B {\n  id Int @id\n} // end\n',
      ['A: id', 'B: id'],
    ],
    ['comments in an enum', 'enum E { // a\n  A // b\n  B /* c */\n  /// d\n\n  C @map("c") // e\n}\n', ['E: A B c']],
    [
      'a comment in a comment',
      'model A {\n  id Int @id // "/*"\n  b Int // don\'t "\n  c Int // */\n}\n',
      ['A: id b c'],
    ],
    ['slashes in a string', 'model A {\n  id Int @id\n  u String @default("http://x/*\\"*/")\n}\n', ['A: id u']],
    ['line ends of Windows', 'model A { // b\r\n  id Int @id /* c\r\n  d */\r\n  e Int\r\n}\r\n', ['A: id e']],
    ['a byte order mark', '\ufeffmodel A {\n  id Int @id\n}\n', ['A: id']],
    [
      'letters beyond ASCII',
      'model Gruß {\n  größe Int @id\n}\nenum Maß {\n  klein @map("größe")\n}\n',
      ['Gruß: größe', 'Maß: größe'],
    ],
    ['blanks at ends of lines', 'model A { \t \n  id Int @id  \n}  \n', ['A: id']],
    ['a hash', 'model A {\n  id Int @id\n  b Int @map("a#b;c")\n}\n', ['A: id b']],
  ] as const)('with %s', async ([, text, expected]) => {
    expect(await read(text)).toEqual(expected)
  })

  // `npx prisma validate` of 7.10 calls each of these invalid.
  test.for([
    ['model A {\n  id Int @id\n}\n/* open', 'a.prisma:4:1'],
    ['model A {\n  größe Int !\n}\n', 'a.prisma:2:13'],
    ['model A {\n  größe Int = 1\n}\n', 'a.prisma:2:13'],
    ['model A {\n  id Int /* a\n  b */ = 1\n}\n', 'a.prisma:3:8'],
    ['model A {\n  id Int @id;\n}\n', 'a.prisma:2:13'],
  ] as const)('and %j is refused', async ([text, place]) => {
    await expect(read(text)).rejects.toThrow(`${place}: cannot be parsed`)
  })
})
