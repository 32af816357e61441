/** Which images a message may have: raster images as data URLs, or also links. */
export type ImageSources = 'data' | 'data and https'

/** What a browser shows as a picture and never runs; SVG may hold scripts. */
const RASTER = ['image/png', 'image/jpeg', 'image/gif', 'image/webp']

const DATA_URL = /^data:(image\/[a-z]+);base64,[A-Za-z0-9+/]*={0,2}$/

/** An ending that makes a downloaded file something else than a picture. */
const ENDING = /\.([a-z][a-z0-9]{0,9})\s*$/i
const IMAGE_ENDINGS = ['png', 'jpg', 'jpeg', 'jfif', 'gif', 'webp']

/** Separators of folders, control characters, and characters that reorder text. */
const FORBIDDEN_IN_NAME = /[/\\\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

interface Image {
  readonly image?: string | null | undefined
  readonly name?: string | null | undefined
  readonly mimeType?: string | null | undefined
}

/** What is wrong with the image of a message, one entry a field; never its value. */
export const imageMistakes = ({ image, name, mimeType }: Image, sources: ImageSources): readonly string[] => {
  const isNameBad = name != null && (FORBIDDEN_IN_NAME.test(name) || !isImageName(name))
  return [
    ...(image == null || image === '' || isImage(image, sources) ? [] : [`image is not ${ALLOWED[sources]}`]),
    ...(isNameBad ? ['name is not that of a PNG, JPEG, GIF or WebP image'] : []),
    ...(mimeType == null || mimeType === '' || RASTER.includes(mimeType)
      ? []
      : ['mimeType is not image/png, image/jpeg, image/gif or image/webp']),
  ]
}

const ALLOWED: Readonly<Record<ImageSources, string>> = {
  data: 'a data URL of a PNG, JPEG, GIF or WebP image in base64',
  'data and https': 'an https URL, or a data URL of a PNG, JPEG, GIF or WebP image in base64',
}

const isImage = (image: string, sources: ImageSources): boolean => {
  const type = DATA_URL.exec(image)?.[1]
  if (type !== undefined) return RASTER.includes(type)
  return sources === 'data and https' && image.startsWith('https://') && URL.canParse(image)
}

const isImageName = (name: string): boolean => {
  const ending = ENDING.exec(name)?.[1]
  return ending === undefined || IMAGE_ENDINGS.includes(ending.toLowerCase())
}
