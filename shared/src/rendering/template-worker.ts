import { renderForParent } from './render-for-parent.ts';

/** A program for the thread where there is no other: in tests. */
await renderForParent();
