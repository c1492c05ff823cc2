import { CallError } from '../errors.ts';
import { isIpv6 } from './ip-address.ts';

/** URLs as Go's `net/url` parses and writes them, on byte strings. */

/** Parts of a URL, decoded where Go decodes them. */
export interface UrlParts {
  readonly scheme: string;
  readonly opaque: string;
  readonly user: UserInfo | undefined;
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly forceQuery: boolean;
  readonly fragment: string;
}

interface UserInfo {
  readonly name: string;
  readonly password: string | undefined;
}

/** Where a character stands decides whether it must be escaped. */
type Place = 'path' | 'userPassword' | 'host' | 'zone' | 'query' | 'fragment';

/** Characters besides letters, digits and `-_.~` that stand unescaped in each place (RFC 3986 with Go's deviations). */
const unescapedIn: Record<Place, string> = {
  path: '$&+,/:;=@',
  userPassword: '$&+,;=',
  host: '!$&\'()*+,;=:[]<>"',
  zone: '!$&\'()*+,;=:[]<>"',
  query: '',
  fragment: '$&+,/:;=?@!()*',
};

function mustEscape(character: string, place: Place): boolean {
  return !/[A-Za-z0-9_.~-]/.test(character) && !unescapedIn[place].includes(character);
}

function escapeText(text: string, place: Place): string {
  let result = '';
  for (const character of text) {
    if (!mustEscape(character, place)) result += character;
    else if (character === ' ' && place === 'query') result += '+';
    else result += `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return result;
}

/** Go's `url.QueryEscape`. */
export function escapeQuery(text: string): string {
  return escapeText(text, 'query');
}

function unescapeText(text: string, place: Place): string {
  let result = '';
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? '';
    if (character !== '%') {
      if ((place === 'host' || place === 'zone') && character < '\x80' && mustEscape(character, place)) {
        throw new CallError('invalid character in host name');
      }
      result += character;
      continue;
    }
    const code = text.slice(i + 1, i + 3);
    if (!/^[0-9a-fA-F]{2}$/.test(code)) throw new CallError('invalid URL escape');
    const decoded = String.fromCharCode(Number.parseInt(code, 16));
    // Hosts may only contain escapes of bytes that are not ASCII, besides the percent sign of an IPv6 zone.
    if (place === 'host' && decoded < '\x80' && code !== '25') throw new CallError('invalid URL escape');
    if (place === 'zone' && code !== '25' && decoded !== ' ' && mustEscape(decoded, 'host')) {
      throw new CallError('invalid URL escape');
    }
    result += decoded;
    i += 2;
  }
  return result;
}

/** Splits at the first separator; the second part is undefined where there is none. */
function cut(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** Parses a URL or a relative reference. Throws `CallError`. */
export function parseUrl(text: string): UrlParts {
  const [withoutFragment, fragment] = cut(text, '#');
  const parts = parseWithoutFragment(withoutFragment);
  return { ...parts, fragment: unescapeText(fragment ?? '', 'fragment') };
}

function parseWithoutFragment(text: string): UrlParts {
  if (/[\0-\x1f\x7f]/.test(text)) throw new CallError('invalid control character in URL');
  const nothing = { scheme: '', opaque: '', user: undefined, host: '', query: '', forceQuery: false, fragment: '' };
  if (text === '*') return { ...nothing, path: '*' };
  const { scheme, rest: afterScheme } = splitScheme(text);
  const forceQuery = afterScheme.endsWith('?') && afterScheme.indexOf('?') === afterScheme.length - 1;
  const [beforeQuery, query = ''] = forceQuery ? [afterScheme.slice(0, -1)] : cut(afterScheme, '?');
  const common = { ...nothing, scheme, query, forceQuery };
  if (!beforeQuery.startsWith('/')) {
    if (scheme !== '') return { ...common, opaque: beforeQuery, path: '' };
    if (cut(beforeQuery, '/')[0].includes(':')) throw new CallError('first path segment in URL cannot contain colon');
  }
  let path = beforeQuery;
  let authority: Pick<UrlParts, 'user' | 'host'> = { user: undefined, host: '' };
  if (path.startsWith('//') && (scheme !== '' || !path.startsWith('///'))) {
    const slash = path.indexOf('/', 2);
    authority = parseAuthority(scheme, slash < 0 ? path.slice(2) : path.slice(2, slash));
    path = slash < 0 ? '' : path.slice(slash);
  }
  return { ...common, ...authority, path: unescapeText(path, 'path') };
}

function splitScheme(text: string): { scheme: string; rest: string } {
  if (text.startsWith(':')) throw new CallError('missing protocol scheme');
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text);
  if (match === null) return { scheme: '', rest: text };
  return { scheme: (match[1] ?? '').toLowerCase(), rest: text.slice(match[0].length) };
}

function parseAuthority(scheme: string, authority: string): Pick<UrlParts, 'user' | 'host'> {
  const at = authority.lastIndexOf('@');
  const host = parseHost(scheme, authority.slice(at + 1));
  if (at < 0) return { user: undefined, host };
  const userInfo = authority.slice(0, at);
  if (!/^[A-Za-z0-9._:~!$&'()*+,;=%@-]*$/.test(userInfo)) throw new CallError('invalid userinfo');
  const [name, password] = cut(userInfo, ':');
  return {
    host,
    user: {
      name: unescapeText(name, 'userPassword'),
      password: password === undefined ? undefined : unescapeText(password, 'userPassword'),
    },
  };
}

const optionalPort = /^(:[0-9]*)?$/;

function parseHost(scheme: string, host: string): string {
  const bracket = host.lastIndexOf('[');
  if (bracket > 0) throw new CallError('invalid IP-literal');
  if (bracket === 0) return parseIpLiteral(host);
  const firstColon = host.indexOf(':');
  if (firstColon >= 0) {
    // Several colons are tolerated unless the scheme is one of the web's.
    const strict = scheme === 'http' || scheme === 'https';
    const port = host.slice(strict ? firstColon : host.lastIndexOf(':'));
    if (!optionalPort.test(port)) throw new CallError('invalid port after host');
  }
  return unescapeText(host, 'host');
}

function parseIpLiteral(host: string): string {
  const close = host.lastIndexOf(']');
  if (close < 0) throw new CallError("missing ']' in host");
  const port = host.slice(close + 1);
  if (!optionalPort.test(port)) throw new CallError('invalid port after host');
  const name = host.slice(1, close);
  const zone = name.indexOf('%25');
  const address =
    zone < 0
      ? unescapeText(name, 'host')
      : unescapeText(name.slice(0, zone), 'host') + unescapeText(name.slice(zone), 'zone');
  if (!isIpv6(address)) throw new CallError('invalid host');
  return `[${address}]${port}`;
}

/** The host without port and brackets. */
export function hostName(host: string): string {
  const colon = host.lastIndexOf(':');
  const name = colon >= 0 && optionalPort.test(host.slice(colon)) ? host.slice(0, colon) : host;
  return name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name;
}

/** User name and password as they stand in a URL. */
export function userInfoText(user: UserInfo | undefined): string {
  if (user === undefined) return '';
  const name = escapeText(user.name, 'userPassword');
  return user.password === undefined ? name : `${name}:${escapeText(user.password, 'userPassword')}`;
}

/** The text of a URL. */
export function formatUrl(url: UrlParts): string {
  let text = url.scheme === '' ? '' : `${url.scheme}:`;
  if (url.opaque !== '') text += url.opaque;
  else {
    if (url.scheme !== '' || url.host !== '' || url.user !== undefined) {
      if (url.host !== '' || url.path !== '' || url.user !== undefined) text += '//';
      if (url.user !== undefined) text += `${userInfoText(url.user)}@`;
      text += escapeText(url.host, 'host');
    }
    const path = url.path === '*' ? '*' : escapeText(url.path, 'path');
    if (path !== '' && !path.startsWith('/') && url.host !== '') text += '/';
    // A first segment with a colon would read as a scheme.
    if (text === '' && cut(path, '/')[0].includes(':')) text += './';
    text += path;
  }
  if (url.forceQuery || url.query !== '') text += `?${url.query}`;
  return url.fragment === '' ? text : `${text}#${escapeText(url.fragment, 'fragment')}`;
}
