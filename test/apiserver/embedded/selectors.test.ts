import { describe, expect, it } from 'vitest';
import { fieldPredicate, parseFieldSelector, parseLabelSelector } from './selectors.ts';

const object = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'a', labels: { team: 'x', n: '5', empty: '' } },
  type: 'Opaque',
};

describe('a label selector', () => {
  it.each([
    ['team=x', true],
    ['team==x,n=5', true],
    ['team!=x', false],
    ['other!=x', true],
    ['team', true],
    ['!team', false],
    ['empty=', true],
    ['team in (x, y)', true],
    ['team notin (x,y)', false],
    ['other notin (x)', true],
    ['n>4,n<6', true],
    ['n>5', false],
    ['example.com/team=x', false],
  ])('%s', (text, expected) => {
    expect(parseLabelSelector(text)?.(object)).toBe(expected);
  });

  it('without requirements is none at all', () => {
    expect(parseLabelSelector(' ')).toBeUndefined();
  });

  it.each(['a b', 'a=-x', '=x', 'a in (x', 'constructor!'])('%s is refused', (text) => {
    expect(() => parseLabelSelector(text)).toThrow('unable to parse requirement');
  });

  it('does not find labels that an object only inherits', () => {
    expect(parseLabelSelector('constructor')?.(object)).toBe(false);
  });
});

describe('a field selector', () => {
  const matches = (text: string) => fieldPredicate(parseFieldSelector(text), new Set(['type', 'spec.x']))?.(object);

  it('compares paths, an absent one as the empty string', () => {
    expect(matches('metadata.name=a,type!=kubernetes.io/tls')).toBe(true);
    expect(matches('type==Opaque')).toBe(true);
    expect(matches('spec.x=')).toBe(true);
    expect(matches('metadata.name=b')).toBe(false);
  });

  it('of a path that the resource does not offer is refused', () => {
    expect(() => matches('data.a=b')).toThrow('field label not supported: data.a');
    expect(() => matches('nothing')).toThrow("can't understand 'nothing'");
  });
});
