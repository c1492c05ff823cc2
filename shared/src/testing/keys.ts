import type { KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey } from 'node:crypto';

/** The 2048-bit key of the specification's appendix B: public knowledge, for tests alone, and quick. */
const pem = `-----BEGIN RSA PRIVATE KEY-----
MIIEpAIBAAKCAQEAvROSXeunC9tuE//QIfQZlFFrJpTgk2qKwR+8MXmp7eeDuzYb
S7Ezw1iJxdHpDiQnhaUc54G6oe1iapU1Qk+NveDwDa2SHLnAWNCJYrJTUdHTlcLn
SSNWMV1gopaZyZQxPelkup1MFaBeTHceDxXjsDQZCLgDcDkWOPpCDht1Ke4gbs2h
mCQ06HzHtYaMHn9jJbq8WqegHFvYr/qBL0x2wN/Pzkqopfoohm10O04RkWCJMSTc
3AwVl/Ub/VN0xQc8MmMZD2PtuRQBHHJtp9spDKOZGWBtA42rfFjUWjjDGYyLZCcz
fsOlHLlaBQel9sKm0uuAZOPhPOf1V2DFWNfNxQIDAQABAoIBAQCb3eiJOFyq76dd
IUNo2hvEIyJb2dsQa4IbFphDiPJGxtXXnRD/YwMzBGf/Bb5EBBX4nFapmk5KcrDx
ADO5iG9mmmoKPI341D/2d2LqU+tPxdPQ361eo5zIcRvarJ/2hw3Y5fA9zrIMGfni
u0eyU+8xMKF6iId9GfJx4gxWKNh7SQDd4vJrbI/PUEI8LYnN3k8MbDvLzN3y9/Qo
OaTn5jk+5JN8u2Wrq9QGL9mbciT5UmsNaiahPl3ccCQb4PMzPFq5w+miuQLeBIrl
YQWGiZF5O6A5xY89/vxHtrlf15jyGDqVX3+QOP+lsyPe6q/C4EmmnQh+mb2fnzQY
pIdDROE5AoGBAMs1eCIvA+oloBjsC20sVYVaU0r3ZNVSHznboH5CKWpoXaDEly0M
8x1Kbv/nv9z9dxlTZxPGpZpRSxzYTr2yULuMbv0W2FA38WIg86Rf3OlX0XqvmLek
bDt5oAQMwsG6C1pvb0JP0YHyDboBSYEHWBG5AQeHzjvwSiGgkK5mlEWHAoGBAO4y
N7qv4ExMCkTVQJna2/ijogJdj+gymNqb6uE1qI26k5dOZSUKPbyTa0w7njNPdoSh
goRBb1F6oEB1nVX2VOZh5ZMS410uAapa5liCCygHeSbtJASyDXV5unKyRZWEiO4/
8ieGfa+EO6hEzJV5x3QnuuIdsnMhqcdbYGeTsWVTAoGAApuQDBhAW5vZ/xfgWalM
+6YaFYcxMw+XuP1ZhOVCdMwcD3kWW4yj/gc7f2sw6hwSkC+izf0pmN5cMWWRNRv5
rz5xGixV4EmnflPf7IcSZagr1wAz3H9uqCC6bfLf+O5zQNjXO6mcjadWh8GGePJo
LeoK2lbizaAaw221DZfhZTcCgYBUvESbAwoV2k8k4YATu4nZT8zIbqRNBALgcesC
puYJVUA/6UGOBbCkrwTSn7rNog0VbadSiTyija8If06zT+gv9M+InIWJll49Tgz3
m3uAh/gPYvkXOogTLHSpbMXYRMe5icIJUYzQrYfTenYVDrdnmOKgodPjpSwSoW0Q
K7hFxQKBgQC25JGiP7lMDghCbdwXfxDoaVbqbP26M62PoiK1rFSkGoNG1pZbF6zy
Kl2zWx3z6zmNhzaz4m+SVdhwmYWALVUKnWVuuhdxJVzJhFprmzzdTPzl5NpMLzN5
7S3vyx8ADh2M1CzcCf+TnP8Fbl2sWN6p+TRJVvtwVGV1u/nY13vynQ==
-----END RSA PRIVATE KEY-----
`;

export function testKey(): { readonly pem: string; readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  return { pem, privateKey: createPrivateKey(pem), publicKey: createPublicKey(pem) };
}
