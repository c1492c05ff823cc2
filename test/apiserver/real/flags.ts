/** Where the parts of one real API server are, and where it keeps its files. Plain data: it may cross processes. */
export interface RealServerFiles {
  readonly folder: string;
  readonly port: number;
  readonly etcdPort: number;
  readonly etcdPeerPort: number;
}

export function fileIn(files: RealServerFiles, name: string): string {
  return `${files.folder}/${name}`;
}

export function etcdFlags(files: RealServerFiles): string[] {
  const client = `http://127.0.0.1:${files.etcdPort}`;
  const peer = `http://127.0.0.1:${files.etcdPeerPort}`;
  return [
    `--data-dir=${fileIn(files, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // The data dies with the test; waiting for the disk would only make everything slow.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

export function apiServerFlags(files: RealServerFiles): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${files.etcdPort}`,
    `--secure-port=${files.port}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    // It signs its own certificate on the first start and finds it again on the next.
    `--cert-dir=${fileIn(files, 'certificates')}`,
    '--endpoint-reconciler-type=none',
    '--service-cluster-ip-range=10.0.0.0/24',
    '--authorization-mode=RBAC',
    `--token-auth-file=${fileIn(files, 'tokens.csv')}`,
    `--authentication-token-webhook-config-file=${fileIn(files, 'token-webhook.kubeconfig')}`,
    '--authentication-token-webhook-version=v1',
    `--service-account-key-file=${fileIn(files, 'service-account.key')}`,
    `--service-account-signing-key-file=${fileIn(files, 'service-account.key')}`,
    '--service-account-issuer=https://waxwing.test',
    // Pods of tests run nowhere; nobody mounts a token into them.
    '--disable-admission-plugins=ServiceAccount',
    `--audit-policy-file=${fileIn(files, 'audit-policy.json')}`,
    `--audit-log-path=${fileIn(files, 'audit.log')}`,
    // It would start another file after 100 MB, and what is counted by it would be lost.
    '--audit-log-maxsize=10000',
    '--shutdown-delay-duration=0s',
  ];
}

export function controllerManagerFlags(kubeconfig: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    '--controllers=garbage-collector-controller,namespace-controller,serviceaccount-controller',
    '--leader-elect=false',
    '--secure-port=0',
    '--concurrent-namespace-syncs=4',
  ];
}
