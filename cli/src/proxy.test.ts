import { describe, expect, test } from 'vitest';
import { proxyFor } from './proxy.ts';

const proxies = { HTTP_PROXY: 'http://plain:3128', HTTPS_PROXY: 'secure:3128' };

describe('the proxy of a URL', () => {
  test.for([
    ['http://example.com/', {}, 'http://plain:3128'],
    ['https://example.com/', {}, 'http://secure:3128'],
    ['https://example.com/', { NO_PROXY: 'example.com' }, undefined],
    ['https://a.example.com/', { NO_PROXY: 'example.com' }, undefined],
    ['https://a.example.com/', { NO_PROXY: '.example.com' }, undefined],
    ['https://example.com/', { NO_PROXY: '.example.com' }, 'http://secure:3128'],
    ['https://a.example.com/', { NO_PROXY: '*.example.com' }, undefined],
    ['https://notexample.com/', { NO_PROXY: 'example.com' }, 'http://secure:3128'],
    ['https://example.com:8443/', { NO_PROXY: 'example.com:8443' }, undefined],
    ['https://example.com/', { NO_PROXY: 'example.com:8443' }, 'http://secure:3128'],
    ['https://10.1.2.3/', { NO_PROXY: 'other, 10.0.0.0/8' }, undefined],
    ['https://11.1.2.3/', { NO_PROXY: '10.0.0.0/8' }, 'http://secure:3128'],
    ['https://[fd00::1]/', { NO_PROXY: 'fd00::/8' }, undefined],
    ['https://10.1.2.3/', { NO_PROXY: '10.1.2.3' }, undefined],
    ['https://example.com/', { NO_PROXY: '*' }, undefined],
    ['https://localhost:6443/', {}, undefined],
    ['https://127.0.0.2/', {}, undefined],
    ['https://[::1]/', {}, undefined],
  ] as const)('%s with %j', ([url, env, wanted]) => {
    expect(proxyFor(new URL(url), { ...proxies, ...env })).toBe(wanted);
  });

  test('lower case counts, upper case first', () => {
    const url = new URL('https://example.com');
    expect(proxyFor(url, { https_proxy: 'http://a' })).toBe('http://a');
    expect(proxyFor(url, { https_proxy: 'http://a', HTTPS_PROXY: 'http://b' })).toBe('http://b');
  });

  test('no proxy is named', () => {
    expect(proxyFor(new URL('https://example.com'), {})).toBeUndefined();
  });
});
