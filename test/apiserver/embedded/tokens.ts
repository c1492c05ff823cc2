import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { parseServiceAccountUser, serviceAccountGroups, type User } from './access.ts';
import { stringAt } from './json.ts';
import type { Store } from './store.ts';

export const tokenIssuer = 'https://kubernetes.default.svc.cluster.local';

/** A token whose bearer is known, with the audiences that it is meant for. */
interface Authenticated {
  readonly user: User;
  readonly audiences: readonly string[];
}

/** Issues and checks bearer tokens: static ones of test identities, and signed ones of service accounts (TokenRequest). */
export class TokenAuthority {
  readonly #static = new Map<string, User>();
  readonly #revoked = new Set<string>();
  readonly #store: Store;
  readonly #now: () => number;
  readonly #publicKey: KeyObject;
  readonly #privateKey: KeyObject;

  constructor(store: Store, now: () => number) {
    this.#store = store;
    this.#now = now;
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#publicKey = pair.publicKey;
    this.#privateKey = pair.privateKey;
  }

  /** A new opaque token for a user. Service accounts get their groups by themselves; everybody is `system:authenticated`. */
  issue(name: string, groups: readonly string[] = []): string {
    const token = randomBytes(24).toString('base64url');
    const account = parseServiceAccountUser(name);
    const implied = account === undefined ? ['system:authenticated'] : serviceAccountGroups(account.namespace);
    this.#static.set(token, { name, uid: '', groups: [...new Set([...groups, ...implied])], extra: {} });
    return token;
  }

  /** From now on a token is answered with 401. */
  revoke(token: string): void {
    this.#revoked.add(token);
  }

  /** Every token of a user is answered with 401 from now on; new ones may be issued. */
  revokeUser(name: string): void {
    for (const [token, user] of this.#static) if (user.name === name) this.revoke(token);
  }

  /** Groups of the user that a static token was issued for. */
  groupsOf(name: string): readonly string[] {
    for (const user of this.#static.values()) if (user.name === name) return user.groups;
    return [];
  }

  /** A signed token of a service account, bound to its uid. */
  issueForServiceAccount(
    account: { namespace: string; name: string; uid: string },
    audiences: readonly string[],
    expiresAtMs: number,
    bound: { kind: string; name: string; uid: string } | undefined,
  ): string {
    const nowSeconds = Math.floor(this.#now() / 1000);
    const header = { alg: 'ES256', kid: 'waxwing-test' };
    const payload = {
      aud: audiences,
      exp: Math.floor(expiresAtMs / 1000),
      iat: nowSeconds,
      iss: tokenIssuer,
      jti: randomBytes(16).toString('hex'),
      'kubernetes.io': {
        namespace: account.namespace,
        ...(bound === undefined ? {} : { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } }),
        serviceaccount: { name: account.name, uid: account.uid },
      },
      nbf: nowSeconds,
      sub: `system:serviceaccount:${account.namespace}:${account.name}`,
    };
    const signed = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    const signature = sign('sha256', Buffer.from(signed), { key: this.#privateKey, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }

  /** Whose token this is; `undefined` if it is unknown, revoked, expired, not yet valid or of a deleted service account. */
  authenticate(token: string): Authenticated | undefined {
    if (this.#revoked.has(token)) return undefined;
    const user = this.#static.get(token);
    if (user !== undefined) return { user, audiences: [tokenIssuer] };
    return this.#authenticateSigned(token);
  }

  #authenticateSigned(token: string): Authenticated | undefined {
    const [header, payload, signature, ...more] = token.split('.');
    if (header === undefined || payload === undefined || signature === undefined || more.length > 0) return undefined;
    const key = { key: this.#publicKey, dsaEncoding: 'ieee-p1363' as const };
    if (!verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url')))
      return undefined;
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    const nowSeconds = this.#now() / 1000;
    if (claims.exp <= nowSeconds || claims.nbf > nowSeconds) return undefined;
    const namespace = stringAt(claims, 'kubernetes.io', 'namespace') ?? '';
    const name = stringAt(claims, 'kubernetes.io', 'serviceaccount', 'name') ?? '';
    const uid = stringAt(claims, 'kubernetes.io', 'serviceaccount', 'uid') ?? '';
    const account = this.#store.collection('/serviceaccounts').get(`${namespace}/${name}`)?.object;
    if (account === undefined || account.metadata.uid !== uid) return undefined;
    return {
      user: {
        name: `system:serviceaccount:${namespace}:${name}`,
        uid,
        groups: serviceAccountGroups(namespace),
        extra: {
          'authentication.kubernetes.io/credential-id': [
            `JTI=${createHash('sha256').update(claims.jti).digest('hex').slice(0, 32)}`,
          ],
        },
      },
      audiences: claims.aud,
    };
  }

  /** Whether a token may be used at this API, or only at others that its audiences name. */
  isForApi(authenticated: Authenticated): boolean {
    return authenticated.audiences.includes(tokenIssuer);
  }
}
