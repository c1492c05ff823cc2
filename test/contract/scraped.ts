/** One Pod's metrics page, as Prometheus got it. */
export interface Scrape {
  readonly pod: string;
  /** The text format of Prometheus. */
  readonly page: string;
}

/**
 * The samples of metrics pages under the names that Prometheus gives the series of a job: `name{job="...",pod="...",...}`, with
 * their values. Only metrics of these names, since promtool takes its time over hundreds of series.
 */
export function samplesOf(scrapes: readonly Scrape[], names: ReadonlySet<string>): Map<string, string> {
  const samples = new Map<string, string>();
  for (const { pod, page } of scrapes) {
    for (const line of page.split('\n')) {
      const [, name = '', labels = '', value = ''] = /^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      if (!names.has(name)) continue;
      const target = `job="sealed-secrets",pod="${pod}",instance="${pod}:8081"`;
      samples.set(`${name}{${labels === '' ? target : `${target},${labels}`}}`, value);
    }
  }
  return samples;
}

/** The names of the controller's metrics in a text, such as an expression or a file of rules. */
export function metricsIn(text: string): Set<string> {
  return new Set(text.match(/\b(?:sealed_secrets_controller|waxwing|process|nodejs)_[a-z0-9_]+/g));
}
