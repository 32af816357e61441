/** Where a model, a field or an enum is written. */
export interface Source {
  readonly file: string
  readonly line: number
  /** The line as it is written, without outer white space. */
  readonly text: string
}

/** A field that stands for a column. */
export interface ModelField {
  readonly name: string
  readonly column: string
  /** As written, without `?` and `[]`: a scalar of Prisma's or the name of an enum. */
  readonly type: string
  /** Of `@db.VarChar(20)`: `VarChar`. */
  readonly nativeType: string | undefined
  readonly optional: boolean
  readonly list: boolean
  /** Its value comes from a default of the database's. */
  readonly generated: boolean
  /** Its value comes from a default or `@updatedAt` that the ORM fills in by itself. */
  readonly filled: boolean
  /** By itself: `@id` or `@unique`. */
  readonly unique: boolean
  /** The ORM leaves it alone: `@ignore`, or a type that it does not support. */
  readonly ignored: boolean
  readonly source: Source
}

/** A field that stands for another model, by way of columns of this one. */
export interface ModelRelation {
  readonly name: string
  readonly optional: boolean
  /** Names of the fields that it rests on. */
  readonly fields: readonly string[]
  readonly type: string
  readonly source: Source
}

export interface Model {
  readonly name: string
  readonly table: string
  /** Of `@@schema("…")`. */
  readonly schema: string | undefined
  readonly fields: readonly ModelField[]
  readonly relations: readonly ModelRelation[]
  readonly source: Source
}

export interface ModelEnum {
  readonly name: string
  /** Name of the type in the database. */
  readonly type: string
  /** As they are in the database. */
  readonly labels: readonly string[]
  readonly source: Source
}

/** What the application's ORM believes of the database. */
export interface ApplicationSchema {
  /** File or folder, as the reader named it. */
  readonly path: string
  readonly models: readonly Model[]
  readonly enums: readonly ModelEnum[]
}
