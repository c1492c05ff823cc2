export { createTestIo, type TestIo, type TestIoOptions } from './test-io.ts';
