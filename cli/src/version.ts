/** Set by the bundler; source that runs without a build has no version. */
declare const WAXWING_VERSION: string | undefined;

/** What `--version` prints. */
export const version: string = typeof WAXWING_VERSION === 'string' ? WAXWING_VERSION : 'UNKNOWN';
