/** Which images a message may have: raster images as data URLs, or also links. */
export type ImageSources = 'data' | 'data and https'

/** What a browser shows as a picture and never runs; SVG may hold scripts. */
const RASTER = ['image/png', 'image/jpeg', 'image/gif', 'image/webp']

const DATA_URL = /^data:(image\/[a-z]+);base64,[A-Za-z0-9+/]+={0,2}$/

/** Any other ending would make a downloaded file something else than a picture. */
const IMAGE_ENDINGS = ['png', 'jpg', 'jpeg', 'jfif', 'gif', 'webp']

/** What file systems forbid or drop, what begins a tag, and characters that control, hide, reorder or break text. */
const FORBIDDEN_IN_NAME = /[/\\<>:"|?*\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|[. ]$/u

interface Image {
  readonly image?: string | null | undefined
  readonly name?: string | null | undefined
  readonly mimeType?: string | null | undefined
}

/** What is wrong with the image of a message, one entry a field; never its value. */
export const imageMistakes = ({ image, name, mimeType }: Image, sources: ImageSources): readonly string[] => {
  return [
    ...(image == null || image === '' || isImage(image, sources) ? [] : [`image is not ${ALLOWED[sources]}`]),
    ...(name == null ? [] : nameMistakes(name)),
    ...(mimeType == null || mimeType === '' || isTypeOf(mimeType, image)
      ? []
      : ['mimeType is not image/png, image/jpeg, image/gif or image/webp, or not that of the image']),
  ]
}

/** Names the character, which people choose without knowing that it is one of those. */
const nameMistakes = (name: string): readonly string[] => {
  const forbidden = FORBIDDEN_IN_NAME.exec(name)?.[0]
  if (forbidden !== undefined) return [`name has ${shown(forbidden)}, which is not allowed ${placeOf(forbidden)}`]
  return isImageName(name) ? [] : ['name is not that of a PNG, JPEG, GIF or WebP image']
}

const shown = (character: string): string =>
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(character)
    ? `the character U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}`
    : JSON.stringify(character)

const placeOf = (character: string): string => (/[. ]/.test(character) ? 'at its end' : 'in it')

const ALLOWED: Readonly<Record<ImageSources, string>> = {
  data: 'a data URL of a PNG, JPEG, GIF or WebP image in base64',
  'data and https': 'an https URL, or a data URL of a PNG, JPEG, GIF or WebP image in base64',
}

const isImage = (image: string, sources: ImageSources): boolean => {
  const type = DATA_URL.exec(image)?.[1]
  if (type !== undefined) return RASTER.includes(type)
  return sources === 'data and https' && image.startsWith('https://') && URL.canParse(image)
}

const isTypeOf = (mimeType: string, image: string | null | undefined): boolean => {
  const type = DATA_URL.exec(image ?? '')?.[1]
  return type === undefined ? RASTER.includes(mimeType) : mimeType === type
}

const isImageName = (name: string): boolean => {
  const dot = name.lastIndexOf('.')
  const ending = name.slice(dot + 1).toLowerCase()
  // Digits are the end of a date or a time.
  return dot === -1 || IMAGE_ENDINGS.includes(ending) || /^\d+$/.test(ending)
}
