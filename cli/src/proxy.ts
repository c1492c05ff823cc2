import { BlockList, isIP } from 'node:net';
import type { Io } from './io.ts';

/**
 * The proxy that the environment names for a URL, by the rules of Go's clients: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` in either case,
 * upper case first; this machine itself is never reached through a proxy. Undefined for none.
 */
export function proxyFor(url: URL, env: Io['env']): string | undefined {
  const read = (name: string) => env[name] || env[name.toLowerCase()] || '';
  const proxy = url.protocol === 'https:' ? read('HTTPS_PROXY') : url.protocol === 'http:' ? read('HTTP_PROXY') : '';
  if (proxy === '' || isExcluded(url, read('NO_PROXY'))) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

function isExcluded(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host)) return true;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && matches(entry, host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isIn(entry, host);
  const withPort = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(entry);
  if (withPort !== null && withPort[2] !== port) return false;
  const name = (withPort?.[1] ?? entry).replace(/^\[|\]$/g, '').replace(/^\*(?=\.)/, '');
  if (name.startsWith('.')) return host.endsWith(name);
  return host === name || (isIP(name) === 0 && host.endsWith(`.${name}`));
}

function isIn(network: string, host: string): boolean {
  const family = isIP(host);
  const [address = '', prefix = ''] = network.split('/');
  if (family === 0 || isIP(address) !== family || !/^\d+$/.test(prefix)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, Number(prefix), type);
  return list.check(host, type);
}
