/** YAML and JSON documents, read, written and edited exactly as the Go tools around Kubernetes do it. Pure: text in, text out. */
export { coerceToString, foldFieldName, goFieldLookup } from './coerce.ts';
export { type DocumentEdit, type EditOptions, type PlannedEdit, planEdit } from './edit.ts';
export { formatJson, formatJsonCompact } from './format-json.ts';
export { compareNatural, formatYaml } from './format-yaml.ts';
export {
  positionOf,
  type ReadOptions,
  readDocumentStream,
  readDocuments,
  readObject,
  type SourceDocument,
} from './read.ts';
export type { Splice } from './splice.ts';
export {
  type DetectedText,
  detectText,
  encodeText,
  MAX_DEPTH,
  MAX_DOCUMENT_BYTES,
  type Position,
  type TextEncoding,
} from './text.ts';
export {
  type DocumentMap,
  type DocumentPath,
  type DocumentValue,
  describeKind,
  equalValues,
  formatPath,
  isDocumentMap,
  sortedMap,
  valueAt,
} from './value.ts';
