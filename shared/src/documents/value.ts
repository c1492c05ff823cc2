/**
 * A parsed JSON or YAML value. Every object is a `Map`, in source order: plain objects would reorder keys such as `10` and lose
 * `__proto__`, which are valid names of Secret items. Integers beyond the safe range are `bigint`.
 */
export type DocumentValue = null | boolean | number | bigint | string | DocumentValue[] | DocumentMap;

/** An object of a document. */
export type DocumentMap = Map<string, DocumentValue>;
