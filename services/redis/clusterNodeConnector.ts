/**
 * Makes a plain connection follow a cluster: every attempt goes to some node known at that moment. Every node passes
 * on what is published anywhere in the cluster, so one connection hears it all, with the heartbeat of a single server.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector } from 'ioredis';
import type { ClientOptions, HostAndPort } from './options.js';

export interface ClusterNodeConnectorDeps {
  /** Those known now, best first. */
  nodes(): readonly HostAndPort[];
  readonly tls: ClientOptions['tls'];
  /** From 0 up to 1. */
  random(): number;
}

/** The class that the client's option `Connector` asks for. */
export function clusterNodeConnector({ nodes, tls, random }: ClusterNodeConnectorDeps) {
  return class ClusterNodeConnector extends AbstractConnector {
    constructor(options: unknown) {
      super((options as { readonly disconnectTimeout: number }).disconnectTimeout);
    }

    override connect(): Promise<Socket> {
      this.connecting = true;
      const known = nodes();
      const node = known[Math.floor(random() * known.length)];
      if (!node) return Promise.reject(new Error('No node of the cluster is known.'));
      const { host, port } = node;
      const socket = tls ? connectTls({ host, port, ...tls }) : connectTcp({ host, port });
      socket.once('error', (error) => {
        this.firstError = error;
      });
      this.stream = socket;
      return Promise.resolve(socket);
    }
  };
}
