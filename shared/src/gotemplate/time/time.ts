import type { GoType } from '../values/types.ts';
