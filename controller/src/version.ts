/** Put in its place by the bundler. */
declare const WAXWING_VERSION: string | undefined;

/** What `--version` prints; `UNKNOWN` where the program runs from source. */
export const version: string = typeof WAXWING_VERSION === 'undefined' ? 'UNKNOWN' : WAXWING_VERSION;
