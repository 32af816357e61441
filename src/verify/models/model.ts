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
  readonly id: boolean
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
  readonly references: readonly string[]
  /** The model that it refers to. */
  readonly type: string
  /** Name of the foreign key; undefined for Prisma's default. */
  readonly map: string | undefined
  /** As written, e.g. `Restrict`; undefined for Prisma's default. */
  readonly onDelete: string | undefined
  readonly onUpdate: string | undefined
  readonly source: Source
}

/** An index that the model declares, at a field (`@unique`) or in a line of its own. */
export interface ModelIndex {
  readonly kind: 'index' | 'unique'
  readonly at: 'field' | 'block'
  readonly fields: readonly { readonly name: string; readonly descending: boolean }[]
  /** Its name in the database; undefined for Prisma's default. */
  readonly map: string | undefined
  /** As PostgreSQL writes it, e.g. `brin`. */
  readonly method: string
  readonly source: Source
}

export interface Model {
  readonly name: string
  readonly table: string
  /** Of `@@schema("…")`. */
  readonly schema: string | undefined
  /** Names of all its fields, with those of both sides of relations. */
  readonly fieldNames: readonly string[]
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
  /** The line `relationMode = "prisma"`, with which Prisma has no foreign keys in the database. */
  readonly withoutForeignKeys: Source | undefined
}
