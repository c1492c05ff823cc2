import { basename } from 'node:path';

// A single executable holds both programs: under the name kubeseal (a link, or renamed) it is kubeseal, else waxwing.
const name = basename(process.argv0).replace(/\.exe$/i, '');
if (name === 'kubeseal') void import('./kubeseal-main.ts');
else void import('./main.ts');
