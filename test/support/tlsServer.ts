/** A Redis that speaks TLS, with a certificate made for the occasion by an authority of its own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../scripts/lib/freePort.js';
import { type RedisServer, startRedis } from './redisServer.js';

export interface TlsServer {
  /** `rediss://127.0.0.1:…` */
  readonly url: string;
  readonly tlsPort: number;
  /** Its plain side. */
  readonly server: RedisServer;
  /** The authority that signed the server's certificate, which names 127.0.0.1 only. */
  readonly caFile: string;
  /** An authority that did not. */
  readonly otherCaFile: string;
  stop(): Promise<void>;
}

export async function startTlsServer(args: readonly string[] = []): Promise<TlsServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'jack-tls-'));
  try {
    const caFile = makeAuthority(folder, 'ca');
    const otherCaFile = makeAuthority(folder, 'other');
    const certificate = signFor(folder, 'ca', '127.0.0.1');
    const tlsPort = await freePort();
    const settings = {
      'tls-port': String(tlsPort),
      'tls-cert-file': certificate.file,
      'tls-key-file': certificate.keyFile,
      'tls-ca-cert-file': caFile,
      'tls-auth-clients': 'no',
    };
    const tls = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    const server = await startRedis({ args: [...tls, ...args] });
    return {
      url: `rediss://127.0.0.1:${tlsPort}`,
      tlsPort,
      server,
      caFile,
      otherCaFile,
      stop: async () => {
        await server.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

const openssl = (...args: readonly string[]): void => {
  execFileSync('openssl', args, { stdio: 'pipe' });
};

/** Two of one name would be told apart by their keys only, which is another error. @returns its certificate. */
function makeAuthority(folder: string, name: string): string {
  const file = path.join(folder, `${name}.pem`);
  const key = path.join(folder, `${name}.key`);
  const subject = ['-subj', `/CN=Jack test authority ${name}`, '-days', '2'];
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', file, ...subject);
  return file;
}

function signFor(folder: string, authority: string, address: string): { file: string; keyFile: string } {
  const at = (name: string) => path.join(folder, name);
  writeFileSync(at('san.cnf'), `subjectAltName=IP:${address}\n`);
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    at('s.key'),
    '-out',
    at('s.csr'),
    '-subj',
    '/CN=redis',
  );
  const by = ['-CA', at(`${authority}.pem`), '-CAkey', at(`${authority}.key`), '-CAcreateserial'];
  openssl(
    'x509',
    '-req',
    '-in',
    at('s.csr'),
    ...by,
    '-days',
    '2',
    '-extfile',
    at('san.cnf'),
    '-out',
    at('s.pem'),
  );
  return { file: at('s.pem'), keyFile: at('s.key') };
}
