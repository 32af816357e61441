/** Where a model, field or enum is defined. */
export interface Source {
  readonly file: string
  readonly line: number
  /** The line, trimmed. */
  readonly text: string
}

/** A field that maps to a column. */
export interface ModelField {
  readonly name: string
  readonly column: string
  /** A Prisma scalar or the name of an enum, without `?` and `[]`. */
  readonly type: string
  /** Of `@db.VarChar(20)`: `VarChar`. */
  readonly nativeType: string | undefined
  readonly optional: boolean
  readonly list: boolean
  /** Whether the database generates its value by a default. */
  readonly generated: boolean
  /** Whether the ORM fills in its value, by a default or `@updatedAt`. */
  readonly filled: boolean
  /** Whether it has `@id` or `@unique`. */
  readonly unique: boolean
  /** Whether the ORM ignores it: `@ignore` or an unsupported type. */
  readonly ignored: boolean
  readonly source: Source
}

/** A field that refers to another model through columns of this one. */
export interface ModelRelation {
  readonly name: string
  readonly optional: boolean
  /** Names of the fields with the foreign key. */
  readonly fields: readonly string[]
  readonly type: string
  /** As written, e.g. `Restrict`; undefined for Prisma's default. */
  readonly onDelete: string | undefined
  readonly onUpdate: string | undefined
  readonly source: Source
}

/** An index that the model declares for several fields, or with a name. */
export interface ModelIndex {
  readonly kind: 'index' | 'unique'
  /** Names of its fields. */
  readonly fields: readonly string[]
  /** Its name in the database; undefined for Prisma's default. */
  readonly map: string | undefined
  readonly source: Source
}

export interface Model {
  readonly name: string
  readonly table: string
  /** Of `@@schema("…")`. */
  readonly schema: string | undefined
  readonly fields: readonly ModelField[]
  readonly relations: readonly ModelRelation[]
  readonly indexes: readonly ModelIndex[]
  readonly source: Source
}

export interface ModelEnum {
  readonly name: string
  /** Name of the type in the database. */
  readonly type: string
  /** As they are named in the database. */
  readonly labels: readonly string[]
  readonly source: Source
}

/** The models and enums of the application's ORM. */
export interface ApplicationSchema {
  /** File or folder, as the user named it. */
  readonly path: string
  readonly models: readonly Model[]
  readonly enums: readonly ModelEnum[]
}
