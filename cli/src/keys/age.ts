// A module of its own, so that the code of age files is loaded by the commands that read or write one.
export { decryptAge, encryptAge, isAgeFile } from '@waxwing/shared/age';
