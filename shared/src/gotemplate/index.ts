/** Go's `text/template` with the sprig functions. Knows nothing of Kubernetes; see README.md for what is covered and by which test. */
export { defaultLimits, type TemplateLimits } from './budget.ts';
export {
  byteStringFromBytes,
  byteStringFromText,
  bytesFromByteString,
  isValidUtf8,
  textFromByteString,
} from './byte-string.ts';
export {
  type CertificateRequest,
  EffectError,
  type PrivateKeyType,
  type ScryptOptions,
  type TemplateEffects,
} from './effects.ts';
export {
  TemplateError,
  type TemplateErrorDetails,
  type TemplateErrorKind,
  type TemplateLimit,
  type TemplatePosition,
} from './errors.ts';
export { templateFunctions } from './functions/index.ts';
export { isCostly, mayBeVolatile, parseTemplate, type TemplateReport } from './lint.ts';
export { createRendering, type NamedTemplate, type RenderOptions, renderTemplate } from './render.ts';
export { GoCertificate as TemplateCertificate } from './values/value.ts';
