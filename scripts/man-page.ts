/**
 * The man page of waxwing, made from the reference of its commands (docs/reference/waxwing.md), which a test compares with `--help`.
 *
 * @param date of the release, `YYYY-MM-DD`
 */
export function manPage(reference: string, version: string, date: string): string {
  const sections = [...reference.matchAll(/^## (waxwing[^\n]*)\n\n```text\n([\s\S]*?)\n```$/gm)];
  const [top, ...commands] = sections.map(([, title = '', text = '']) => ({ title, text }));
  if (top === undefined) throw new Error('docs/reference/waxwing.md has no section about waxwing');
  const lines = [
    `.TH WAXWING 1 "${date}" "waxwing ${version}" "User Commands"`,
    '.SH NAME',
    'waxwing \\- keep Kubernetes Secrets in Git: seal them here, and only the cluster can open them',
    '.SH SYNOPSIS',
    '.B waxwing',
    '[\\fIoptions\\fR] \\fIcommand\\fR [\\fIarguments\\fR]',
    '.SH DESCRIPTION',
    ...asWritten(top.text),
    '.SH COMMANDS',
    ...commands.flatMap(({ title, text }) => [`.SS ${escapeText(title)}`, ...asWritten(text)]),
    '.SH SEE ALSO',
    '.BR kubectl (1)',
  ];
  return `${lines.join('\n')}\n`;
}

/** Text that is shown as it is, line by line. */
function asWritten(text: string): string[] {
  return ['.nf', ...text.split('\n').map(escapeText), '.fi'];
}

/** A backslash begins an escape, a hyphen may become another sign, and a dot or an apostrophe at the beginning of a line a request. */
function escapeText(line: string): string {
  const escaped = line.replaceAll('\\', '\\e').replaceAll('-', '\\-');
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
