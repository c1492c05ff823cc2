/** The Go types that values of a template can have. Each type is one object, so that identity is equality of types. */

/** Go's `reflect.Kind`, by its name. */
export type Kind =
  | 'invalid'
  | 'bool'
  | 'int'
  | 'int64'
  | 'uint8'
  | 'uint32'
  | 'uint64'
  | 'float64'
  | 'complex128'
  | 'string'
  | 'slice'
  | 'map'
  | 'struct'
  | 'ptr'
  | 'interface';

export interface GoType {
  /** As `%T` prints it. */
  readonly name: string;
  readonly kind: Kind;
  /** The element type of slices, maps and pointers. */
  readonly element?: GoType;
}

function defineType(name: string, kind: Kind, element?: GoType): GoType {
  return element === undefined ? { name, kind } : { name, kind, element };
}

export const types = (() => {
  const any = defineType('interface {}', 'interface');
  const string = defineType('string', 'string');
  const int = defineType('int', 'int');
  const uint8 = defineType('uint8', 'uint8');
  const anySlice = defineType('[]interface {}', 'slice', any);
  const version = defineType('semver.Version', 'struct');
  const location = defineType('time.Location', 'struct');
  return {
    any,
    string,
    bool: defineType('bool', 'bool'),
    int,
    int64: defineType('int64', 'int64'),
    uint8,
    uint32: defineType('uint32', 'uint32'),
    uint64: defineType('uint64', 'uint64'),
    float64: defineType('float64', 'float64'),
    complex128: defineType('complex128', 'complex128'),
    anySlice,
    stringSlice: defineType('[]string', 'slice', string),
    intSlice: defineType('[]int', 'slice', int),
    byteSlice: defineType('[]uint8', 'slice', uint8),
    anySliceSlice: defineType('[][]interface {}', 'slice', anySlice),
    anyMap: defineType('map[string]interface {}', 'map', any),
    stringMap: defineType('map[string]string', 'map', string),
    time: defineType('time.Time', 'struct'),
    duration: defineType('time.Duration', 'int64'),
    month: defineType('time.Month', 'int'),
    weekday: defineType('time.Weekday', 'int'),
    location,
    locationPointer: defineType('*time.Location', 'ptr', location),
    version,
    versionPointer: defineType('*semver.Version', 'ptr', version),
    certificate: defineType('sprig.certificate', 'struct'),
    /** Parameters of the engine's own functions, which see values with their static type: Go's `reflect.Value`. */
    reflectValue: defineType('reflect.Value', 'struct'),
  } as const;
})();

/** True for the kinds of signed integers. */
export function isSignedKind(kind: Kind): boolean {
  return kind === 'int' || kind === 'int64';
}

/** True for the kinds of unsigned integers. */
export function isUnsignedKind(kind: Kind): boolean {
  return kind === 'uint8' || kind === 'uint32' || kind === 'uint64';
}
