/** age files (https://age-encryption.org/v1) with SSH recipients, around the well-kept package `age-encryption`. */
export {
  type AgeAudience,
  type AgeSecrets,
  assertAgeRecipients,
  decryptAge,
  encryptAge,
  isAgeFile,
} from './age-file.ts';
