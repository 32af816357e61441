import type { ConnectionKeywords, ConnectionSetting } from './settings.js'

/** Where a connection setting comes from. */
export interface SettingSource {
  readonly kind: 'flag' | 'environment' | 'env-file' | 'service-file' | 'password-file' | 'embedded' | 'default'
  /** The flag, the variable or the service; empty for the others. */
  readonly name: string
  /** The file in which it is, if it is in one. */
  readonly file?: string | undefined
}

/** A setting that somebody made. */
export interface GivenSetting {
  readonly name: ConnectionSetting
  /** `***` for a secret. */
  readonly value: string
  readonly source: SettingSource
}

/** Settings of one origin. A setting that is there without a value takes away that of the layers below. */
export interface Layer {
  readonly keywords: ConnectionKeywords
  readonly sourceOf: (name: ConnectionSetting) => SettingSource
}

/** The settings of all layers; of several the last one counts. */
export const mergeLayers = (layers: readonly Layer[]): ConnectionKeywords =>
  layers.reduce<ConnectionKeywords>((all, { keywords }) => ({ ...all, ...keywords }), {})

/** The settings that count, and those that a layer above overrides with another value. */
export const settingsIn = (
  layers: readonly Layer[],
): { readonly given: readonly GivenSetting[]; readonly unused: readonly GivenSetting[] } => {
  const effective = mergeLayers(layers)
  const all = layers.flatMap(({ keywords, sourceOf }) =>
    (Object.keys(keywords) as ConnectionSetting[]).flatMap((name) => {
      const value = keywords[name]
      return value === undefined ? [] : [{ name, value, source: sourceOf(name) }]
    }),
  )
  const isUsed = ({ name, value }: GivenSetting): boolean => effective[name] === value
  const isLast = ({ name }: GivenSetting, index: number): boolean =>
    !all.slice(index + 1).some((later) => later.name === name)
  return {
    given: all.filter((setting, index) => isUsed(setting) && isLast(setting, index)).map(withoutSecret),
    unused: all.filter((setting) => !isUsed(setting)).map(withoutSecret),
  }
}

const withoutSecret = (setting: GivenSetting): GivenSetting => ({
  ...setting,
  value: SECRETS.includes(setting.name) ? '***' : setting.value,
})

const SECRETS: readonly ConnectionSetting[] = ['password', 'sslpassword', 'scram_client_key', 'scram_server_key']

/** Such as `DATABASE_URL in .env`. */
export const describeSource = ({ kind, name, file }: SettingSource): string => {
  switch (kind) {
    case 'embedded':
      return '--embedded'
    case 'default':
      return 'default'
    case 'service-file':
      return `service ${name} in ${file ?? ''}`
    case 'password-file':
      return file ?? ''
    default:
      return file === undefined ? name : `${name} in ${file}`
  }
}
