export { aSealedSecret, aSecret } from './builders.ts';
export { createTestClock, type TestClock } from './clock.ts';
export { testKey } from './keys.ts';
export { seededRandomBytes } from './random.ts';
