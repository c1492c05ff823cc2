export {
  activeKeySelector,
  type InvalidKeySecret,
  isInvalid,
  type KeySecret,
  type KeySecretDraft,
  type KeySecretIdentity,
  keySecretOf,
  parseKeySecret,
} from '@waxwing/shared';
