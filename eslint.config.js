import tseslint from 'typescript-eslint'

export default tseslint.config(
  { ignores: ['**/dist/', 'node_modules/', 'coverage/'] },
  {
    files: ['src/**/*.ts', 'test/**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json' } },
    rules: {
      // Numbers are what we print most; they need no ceremony.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only: one name, found by one search.' },
        {
          selector: "MemberExpression[object.name='z'][property.name=/^(core|locales)$/]",
          message: 'Import from zod/v4/core by name: taken whole, z.core brings the texts of 60 languages.',
        },
        { selector: 'TSEnumDeclaration', message: 'A union of words says the same with less.' },
      ],
    },
  },
  {
    files: ['src/**/*.ts', 'test/bench/**/*.ts'],
    ignores: ['src/main.ts', 'test/bench/main.ts'],
    rules: {
      // Only main.ts is the real process: everything else is handed what it needs, so it can be tested and embedded.
      'no-restricted-globals': ['error', 'console', 'process'],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            ...['node:process', 'process', 'node:console'],
            { name: 'zod', message: 'zod/mini: all of zod takes longer to load than the driver.' },
          ],
        },
      ],
    },
  },
  { files: ['test/vitest.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
)
