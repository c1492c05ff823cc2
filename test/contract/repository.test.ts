import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFile(join(root, file), 'utf8');

describe('the repository', () => {
  it('is under the Apache License 2.0, in the file and in every package', async () => {
    expect(await read('LICENSE')).toMatch(/Apache License\s+Version 2\.0, January 2004/);
    for (const folder of ['.', 'shared', 'controller', 'cli', 'test']) {
      expect(JSON.parse(await read(`${folder}/package.json`)).license, folder).toBe('Apache-2.0');
    }
  });

  it('has one version', async () => {
    const { version } = JSON.parse(await read('package.json'));
    for (const folder of ['shared', 'controller', 'cli']) {
      expect(JSON.parse(await read(`${folder}/package.json`)).version, folder).toBe(version);
    }
    expect(parse(await read('charts/waxwing/Chart.yaml'))).toMatchObject({ version, appVersion: version });
  });

  it('has a changelog with a section for what is not released', async () => {
    expect(await read('CHANGELOG.md')).toContain('\n## [Unreleased]\n');
  });

  it('says how to report a vulnerability in private, and links it from the issue forms', async () => {
    expect(await read('SECURITY.md')).toContain('Report a vulnerability');
    const config = parse(await read('.github/ISSUE_TEMPLATE/config.yml'));
    expect(config.contact_links[0].url).toContain('/security/advisories/new');
  });

  it('has issue forms with all that GitHub asks for', async () => {
    const forms = (await readdir(join(root, '.github/ISSUE_TEMPLATE'))).filter((name) => name !== 'config.yml');
    expect(forms.length).toBeGreaterThan(1);
    for (const name of forms) {
      const form = parse(await read(`.github/ISSUE_TEMPLATE/${name}`));
      expect(form, name).toMatchObject({ name: expect.any(String), description: expect.any(String) });
      const ids = form.body.flatMap((field: { id?: string }) => field.id ?? []);
      expect(new Set(ids).size, name).toBe(ids.length);
      for (const field of form.body) {
        expect(['markdown', 'input', 'textarea', 'dropdown', 'checkboxes']).toContain(field.type);
        expect(field.attributes[field.type === 'markdown' ? 'value' : 'label'], name).toBeTruthy();
      }
    }
  });
});

describe('the operations guides', () => {
  const linkPattern = /\[[^\]]+\]\(([^)\s]+)\)/g;

  it('link to files and sections that exist', async () => {
    const folder = join(root, 'docs/operations');
    for (const name of (await readdir(folder)).filter((file) => file.endsWith('.md'))) {
      for (const [, target = ''] of (await readFile(join(folder, name), 'utf8')).matchAll(linkPattern)) {
        if (target.startsWith('https:')) continue;
        const [file = '', section] = target.split('#');
        const text = await readFile(join(folder, file === '' ? name : file), 'utf8');
        const sections = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
          title
            .toLowerCase()
            .replaceAll(/[^\w -]/g, '')
            .replaceAll(' ', '-'),
        );
        if (section !== undefined) expect(sections, `${name}: ${target}`).toContain(section);
      }
    }
  });

  it('name every rule that the chart can render', async () => {
    const text = await read('docs/operations/permissions.md');
    const templates = await Promise.all(
      ['_rbac.tpl', 'role.yaml', 'cluster-role.yaml'].map((name) => read(`charts/waxwing/templates/${name}`)),
    );
    const resources = templates
      .join('\n')
      .matchAll(/resources:\n((?:\s+- .+\n)+)/g)
      .flatMap(([, list = '']) => list.matchAll(/- (\S+)/g))
      .map(([, resource = '']) => resource);
    const named = new Set(resources);
    // What people get, not the controller.
    for (const resource of ['services', 'services/proxy']) named.delete(resource);
    expect(named.size).toBeGreaterThan(8);
    for (const resource of named) {
      expect(text).toContain(`\`${resource.replace(/^sealedsecrets/, 'sealedsecrets.bitnami.com')}`);
    }
  });
});
