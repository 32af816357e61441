/**
 * SQL for the sequences, `"oid"`, that give the values of the column `a` of pg_attribute. A default makes the column depend on the
 * sequence; an identity column makes the sequence depend on the column.
 */
export const COLUMN_SEQUENCES = `
    SELECT p.refobjid AS "oid"
    FROM pg_catalog.pg_attrdef AS d
    JOIN pg_catalog.pg_depend AS p ON p.classid = 'pg_catalog.pg_attrdef'::regclass AND p.objid = d.oid
      AND p.refclassid = 'pg_catalog.pg_class'::regclass
    WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum
    UNION
    SELECT p.objid
    FROM pg_catalog.pg_depend AS p
    WHERE p.classid = 'pg_catalog.pg_class'::regclass AND p.deptype = 'i'
      AND p.refclassid = 'pg_catalog.pg_class'::regclass AND p.refobjid = a.attrelid AND p.refobjsubid = a.attnum`
