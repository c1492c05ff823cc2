export {
  activeKeyLabelValue,
  appliedConfigurationAnnotations,
  backupVerifiedAnnotation,
  backupWrittenAnnotation,
  clusterWideAnnotation,
  isTruthy,
  keyIdAnnotation,
  keyLabel,
  managedAnnotation,
  namespaceWideAnnotation,
  patchAnnotation,
  primaryKeyAnnotation,
  skipSetOwnerReferencesAnnotation,
} from './api/annotations.ts';
export { forbiddenTypeReason } from './api/credential-types.ts';
export type { Leniency } from './api/decode.ts';
export { encryptionLabel, parseScope, type Scope, scopeNeeds, scopeOf, scopes, withScope } from './api/scope.ts';
export {
  type Condition,
  type ConditionStatus,
  emptyMetadata,
  type ObjectMeta,
  type OwnerReference,
  type SealedSecret,
  type SealedSecretSpec,
  type SealedSecretStatus,
  type Secret,
  type SecretRecord,
  type SecretTemplate,
  type SyncedReason,
  sealedSecretResource,
  syncedCondition,
} from './api/sealed-secret.ts';
export { metadataDocument, sealedSecretDocument, secretDocument, statusDocument } from './api/serialize.ts';
export { type ReadOptions, readSealedSecret, readSecret } from './api/validate.ts';
export {
  assertNotExpired,
  type CertificateRequest,
  generateSealingKey,
  issueCertificate,
  parseCertificates,
  parseSealingCertificate,
  type SealingCertificate,
} from './crypto/certificate.ts';
export { keyIdOf, sshFingerprint } from './crypto/fingerprint.ts';
export {
  type Envelope,
  encodeEnvelope,
  hybridDecrypt,
  hybridEncrypt,
  parseEnvelope,
  type RandomBytes,
  type UnwrapKey,
} from './crypto/hybrid.ts';
export { type PemBlock, parsePemBlocks } from './crypto/pem.ts';
export { importUnsealingKey, parsePrivateKey, type UnsealingKey } from './crypto/private-key.ts';
export { type DecryptedItems, type DecryptOptions, decryptItems, type ItemFailure } from './decrypt.ts';
export {
  type DetectedText,
  type DocumentEdit,
  type DocumentMap,
  type DocumentPath,
  type DocumentValue,
  detectText,
  encodeText,
  equalValues,
  foldFieldName,
  formatJson,
  formatJsonCompact,
  formatPath,
  formatYaml,
  isDocumentMap,
  type Position,
  planEdit,
  positionOf,
  readDocumentStream,
  readDocuments,
  readObject,
  type SourceDocument,
  sortedMap,
  valueAt,
} from './documents/index.ts';
export { compareBytewise, decodeBase64, decodeUtf8, encodeBase64, encodeHex, encodeUtf8 } from './encoding.ts';
export {
  type ErrorCode,
  isSealedSecretsError,
  SealedSecretsError,
  type SealedSecretsErrorOptions,
  type Violation,
} from './errors.ts';
export { type Explanation, explainUndecryptable } from './explain.ts';
export { formatKeyIdHint, parseKeyIdHint, updateKeyIdHint } from './key-id-hint.ts';
export {
  activeKeySelector,
  type InvalidKeySecret,
  isInvalid,
  type KeySecret,
  type KeySecretDraft,
  type KeySecretIdentity,
  keySecretOf,
  parseKeySecret,
} from './keys/key-secret.ts';
export { controllerOf, isSealedSecretReference, type SecretStanding, standingOf } from './ownership.ts';
export { type ReencryptOptions, reencryptSealedSecret } from './reencrypt.ts';
export { type Sealer, type SealPlace, sealSecret, sealValue, templateMetadata } from './seal.ts';
export {
  buildSecret,
  ownerReferenceOf,
  type RenderedEntry,
  rendererRevision,
  type TemplateRenderer,
} from './template.ts';
export {
  assertDecryptable,
  type Unsealed,
  type UnsealOptions,
  unsealSecret,
} from './unseal.ts';
export { listAt, numberAt, property, textAt, textsAt } from './untyped.ts';
