import type { CommandContext } from '../command-context.ts';
import { counted } from '../counted.ts';
import { createPaint, type Paint } from '../terminal.ts';
import type { Gap } from './cluster-reader.ts';
import {
  type Finding,
  type FindingGroup,
  groupFindings,
  kindOf,
  remedyFor,
  type Severity,
  severities,
} from './finding.ts';

/** What an examination came to. */
export interface Report {
  readonly mode: 'health' | 'migration';
  /** Where it was made. */
  readonly place: {
    /** Address of the API server. */
    readonly server: string;
    /** Service of the controller, `namespace/name`. */
    readonly controller: string;
    /** Undefined where no Deployment was found. */
    readonly image: string | undefined;
  };
  /** What was looked at; undefined where it was not, or could not be. */
  readonly counts: {
    readonly sealedSecrets: number | undefined;
    readonly secrets: number | undefined;
    readonly keys: number | undefined;
  };
  readonly findings: readonly Finding[];
  readonly gaps: readonly Gap[];
  readonly unchecked: readonly string[];
}

/** How many findings of a severity there are. */
export function countOf(report: Report, severity: Severity): number {
  return report.findings.filter(({ code }) => kindOf(code).severity === severity).length;
}

/** For programs. */
export function reportDocument(report: Report): unknown {
  const { mode, place, counts, findings, gaps, unchecked } = report;
  return {
    mode,
    ...place,
    complete: gaps.length === 0,
    counts: {
      ...counts,
      errors: countOf(report, 'error'),
      warnings: countOf(report, 'warning'),
      notes: countOf(report, 'note'),
    },
    findings: groupFindings(findings).flatMap(({ code, kind, findings: found }) =>
      found.map((finding) => ({
        code,
        severity: kind.severity,
        kind: kind.subject,
        namespace: finding.namespace,
        name: finding.name,
        title: kind.title,
        detail: finding.detail,
        effect: kind.effect,
        remedy: remedyFor(finding),
      })),
    ),
    notRead: gaps,
    notChecked: unchecked,
  };
}

/** For people: findings by code on standard output, where and how much on standard error. */
export async function printReport(report: Report, context: CommandContext): Promise<void> {
  const { io } = context;
  const { server, controller, image } = report.place;
  const paint = createPaint(io.stdout, io.env, context.global().color);
  await context.note(`${server}, controller ${controller}${image === undefined ? '' : ` (${image})`}`);
  for (const group of groupFindings(report.findings)) await context.print(`${groupText(group, paint)}\n`);
  if (report.gaps.length > 0) await context.print(`${listText('not read', report.gaps.map(gapText), paint)}\n`);
  if (report.unchecked.length > 0) await context.print(`${listText('not checked', report.unchecked, paint)}\n`);
  await context.note(summary(report));
}

function groupText({ code, kind, findings }: FindingGroup, paint: Paint): string {
  const color = { error: paint.red, warning: paint.yellow, note: paint.cyan }[kind.severity];
  const [first] = findings;
  // The commands of a single object can be copied.
  const remedy = findings.length === 1 && first !== undefined ? remedyFor(first) : kind.remedy;
  const lines = [
    `${color(kind.severity)} ${paint.bold(code)} (${findings.length}): ${kind.title}`,
    `  ${paint.dim('effect:')} ${kind.effect}`,
    `  ${paint.dim('to do:')}  ${remedy}`,
    ...findings.map(({ namespace, name, detail }) => {
      const object = namespace === '' ? name : `${namespace}/${name}`;
      return detail === '' ? `  - ${object}` : `  - ${object}: ${detail}`;
    }),
  ];
  return `${lines.join('\n')}\n`;
}

function gapText({ what, reason, rule }: Gap): string {
  return rule === undefined ? `${what}: ${reason}` : `${what}: ${reason}; this rule allows it: ${rule}`;
}

function listText(title: string, lines: readonly string[], paint: Paint): string {
  return [paint.bold(`${title}:`), ...lines.map((line) => `  - ${line}`), ''].join('\n');
}

function summary(report: Report): string {
  const { sealedSecrets, secrets, keys } = report.counts;
  const looked = [
    ...(sealedSecrets === undefined ? [] : [counted(sealedSecrets, 'SealedSecret')]),
    ...(secrets === undefined ? [] : [counted(secrets, 'Secret')]),
    ...(keys === undefined ? [] : [counted(keys, 'key')]),
  ];
  const found = severities.map((severity) => counted(countOf(report, severity), severity));
  const incomplete = report.gaps.length === 0 ? '' : '; not everything could be read';
  return `${looked.length === 0 ? 'nothing read' : looked.join(', ')}: ${found.join(', ')}${incomplete}`;
}
