import { CallError } from '../errors.ts';
import { kindOf } from '../values/inspect.ts';
import { anyMap, type GoMap, type GoValue } from '../values/value.ts';
import { define, param, type TemplateFunction } from './definition.ts';
import { formatUrl, hostName, parseUrl, userInfoText } from './url-syntax.ts';

/** sprig's URL functions: a URL as a dict and back. */

function urlToDict(text: string): GoMap {
  const url = parseUrl(text);
  const entries: [string, GoValue][] = [
    ['scheme', url.scheme],
    ['host', url.host],
    ['hostname', hostName(url.host)],
    ['path', url.path],
    ['query', url.query],
    ['opaque', url.opaque],
    ['fragment', url.fragment],
    ['userinfo', userInfoText(url.user)],
  ];
  return anyMap(new Map(entries));
}

function dictToUrl(dict: GoMap): string {
  const part = (key: string): string => {
    const value = dict.get(key);
    if (value === undefined) return '';
    if (typeof value !== 'string') throw new CallError(`${key} must be of type string, but ${kindOf(value)} found`);
    return value;
  };
  const [scheme, host, path, query] = [part('scheme'), part('host'), part('path'), part('query')];
  const [opaque, fragment, userInfo] = [part('opaque'), part('fragment'), part('userinfo')];
  const user = userInfo === '' ? undefined : parseUrl(`proto://${userInfo}@host`).user;
  return formatUrl({ scheme, host, path, query, opaque, fragment, user, forceQuery: false });
}

export const urlFunctions: readonly TemplateFunction[] = [
  define('urlParse', [param.string], (_, text) => urlToDict(text)),
  define('urlJoin', [param.dict], (_, dict) => dictToUrl(dict)),
];
