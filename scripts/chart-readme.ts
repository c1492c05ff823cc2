import { isMap, isScalar, LineCounter, parseDocument, type Range } from 'yaml';

interface DocumentedValue {
  /** `image.tag` */
  readonly path: string;
  /** As JSON on one line; empty for a folder of values. */
  readonly default: string;
  readonly description: string;
}

const introduction = `# waxwing

Helm chart of the Sealed Secrets controller Waxwing. Values of the sealed-secrets chart have the names and defaults they have there, so that an existing
\`values.yaml\` works unchanged and a release of that chart can be upgraded to this one. Values marked *Waxwing*, and everything after \`pdb\`, are ours.

<!-- clusters: none -->

\`\`\`sh
helm install sealed-secrets charts/waxwing --namespace kube-system --set fullnameOverride=sealed-secrets-controller
\`\`\`

[Install](../../docs/operations/install.md), [permissions](../../docs/operations/permissions.md), [monitoring](../../docs/operations/monitoring.md),
[upgrade](../../docs/operations/upgrade.md), [removal](../../docs/operations/removal.md).

## Values

This table is generated from \`values.yaml\` by \`scripts/manifests.ts\`.

`;

/** The chart's README with every value of a values.yaml, its default and the comment above it. */
export function chartReadme(valuesYaml: string): string {
  const rows = documentedValues(valuesYaml).map(
    ({ path, default: value, description }) =>
      `| \`${path}\` | ${value === '' ? '' : code(value)} | ${cell(description)} |`,
  );
  return `${introduction}| Value | Default | Meaning |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

/** Code of a table: no pipe may end the cell, and a long default is in values.yaml. */
function code(value: string): string {
  return value.length > 60 ? 'see `values.yaml`' : `\`${value.replaceAll('|', '\\|')}\``;
}

function documentedValues(text: string): DocumentedValue[] {
  const lines = text.split('\n');
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const visit = (node: unknown, prefix: string): DocumentedValue[] => {
    if (!isMap(node)) return [];
    return node.items.flatMap(({ key, value }) => {
      if (!isScalar(key)) return [];
      const path = `${prefix}${key.value}`;
      const description = commentAbove(lines, counter.linePos((key.range as Range)[0]).line - 1);
      if (isMap(value) && value.items.length > 0) {
        const inner = visit(value, `${path}.`);
        return description === '' ? inner : [{ path, default: '', description }, ...inner];
      }
      return [
        {
          path,
          default: JSON.stringify(value === null ? null : (value as { toJSON(): unknown }).toJSON()),
          description,
        },
      ];
    });
  };
  return visit(document.contents, '');
}

/** The lines of comment right above a line, as one text. */
function commentAbove(lines: readonly string[], line: number): string {
  const words: string[] = [];
  for (let index = line - 1; index >= 0; index--) {
    const match = /^\s*# (.*)$/.exec(lines[index] ?? '');
    if (match?.[1] === undefined) break;
    words.unshift(match[1]);
  }
  return words.join(' ');
}
